"""How much of what it may use a tenant has used."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from perse.api.http.answers import Answer, Success
from perse.api.http.calls import Call
from perse.api.http.needs import ANY_KEY
from perse.api.http.operations import Operation
from perse.domain.quotas import Quota

Count = Annotated[int, Field(ge=0)]


class WireUse(Answer):
    quota: str = Field(description="What is counted.")
    used: Count = Field(
        description="How much is used. Of requests and bytes it counts what processes have set "
        "aside of the window, each a twentieth of the quota at most."
    )
    most: Count | None = Field(None, description="The quota; absent where there is none.")
    resets_at: datetime | None = Field(
        None, description="When it begins anew; absent of people and samples."
    )


class UsageAnswer(Success):
    usage: list[WireUse] = Field(
        description="People and samples, and of requests and bytes what there is a quota of."
    )


async def usage(call: Call) -> UsageAnswer:
    """How much the tenant has used."""
    quotas, tenant_id = call.services.quotas, call.caller.tenant_id
    used = await call.look_up(lambda: quotas.use(tenant_id))
    return UsageAnswer(
        usage=[
            WireUse(quota=it.quota, used=it.used, most=it.most, resets_at=it.resets_at)
            for it in used
        ],
        time_taken=call.time_taken(),
    )


_EXAMPLE: dict[str, Any] = {
    "usage": [
        {
            "quota": Quota.REQUESTS_PER_DAY,
            "used": 4500,
            "most": 10_000,
            "resets_at": "2026-11-29T00:00:00Z",
        },
        {"quota": Quota.PEOPLE, "used": 412, "most": 500},
        {"quota": Quota.SAMPLES, "used": 980},
    ],
    "time_taken": 0.002,
    "status": 200,
}

OPERATIONS = (
    Operation(
        "GET",
        "/v1/usage",
        usage,
        UsageAnswer,
        summary="What the tenant has used",
        tag="access",
        description="How many people and samples the tenant has, its quotas, and how much of them "
        "is used. Every API key may ask.",
        processes=None,
        needs=ANY_KEY,
        example=_EXAMPLE,
    ),
)
