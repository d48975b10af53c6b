"""What this caller may do here, so that a page can leave out the rest."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, FiniteFloat

from perse.api.http.answers import Answer, Success
from perse.api.http.calls import Call
from perse.api.http.needs import ANY_KEY
from perse.api.http.operations import Operation
from perse.api.http.terms import Terms
from perse.domain.access import Permission
from perse.errors import Unauthorized


class Limits(Answer):
    image_bytes: int = Field(description="Bytes of the largest picture.")
    image_pixels: int = Field(description="Pixels of the largest picture.")
    audio_bytes: int = Field(description="Bytes of the largest recording.")
    audio_s: FiniteFloat = Field(description="Seconds of the longest recording.")
    faces: int = Field(description="Faces answered per picture.")
    samples_per_subject: int = Field(description="Most faces, and most voices, of a subject.")
    calls_per_s: FiniteFloat | None = Field(None, description="Absent where there is no limit.")


class AccessAnswer(Success):
    key_name: str = Field(description="What the operator calls this API key.")
    tenant_id: str = Field(description="Everything enrolled belongs to the tenant.")
    permissions: list[str] = Field(description="What this API key may do.")
    voices: bool = Field(description="Whether the networks in use compare voices.")
    liveness: bool = Field(description="Whether the networks in use tell live faces from others.")
    consent: Literal["recorded", "required"] = Field(
        description="`required`: calls that do not declare the end user's consent are refused."
    )
    enrolment_gate: Literal["contract", "standard", "strict"] = Field(
        description="What may be enrolled."
    )
    limits: Limits


async def access(call: Call) -> AccessAnswer:
    """What the caller may do."""
    services, caller, terms = call.services, call.caller, call.workplace.terms
    key = await call.look_up(lambda: services.authenticator.keys.store.get(caller.key_id))
    if key is None:
        raise Unauthorized("this API key is unknown or revoked")
    return AccessAnswer(
        key_name=key.name,
        tenant_id=key.tenant_id,
        permissions=[it for it in Permission if it in key.permissions],
        voices=services.voices is not None,
        liveness=services.faces.thresholds.liveness is not None,
        consent=terms.consent,
        enrolment_gate=terms.enrolment_gate,
        limits=_limits(terms),
        time_taken=call.time_taken(),
    )


def _limits(terms: Terms) -> Limits:
    return Limits(**{name: getattr(terms, name) for name in Limits.model_fields})


_EXAMPLE: dict[str, Any] = {
    "key_name": "kiosk",
    "tenant_id": "5f0c3a3c-6d7e-4a4c-8a55-0c7b6d1f9a02",
    "permissions": [Permission.VERIFY, Permission.ENROL],
    "voices": True,
    "liveness": True,
    "consent": "recorded",
    "enrolment_gate": "standard",
    "limits": {
        "image_bytes": 1_000_000,
        "image_pixels": 40_000_000,
        "audio_bytes": 10_000_000,
        "audio_s": 120.0,
        "faces": 100,
        "samples_per_subject": 20,
        "calls_per_s": 10.0,
    },
    "time_taken": 0.002,
    "status": 200,
}

OPERATIONS = (
    Operation(
        "GET",
        "/v1/access",
        access,
        AccessAnswer,
        summary="What this API key may do",
        tag="access",
        description="Permissions of the API key behind the request, and what its requests have to "
        "respect: sizes, consent, the gate of enrolment. Every API key may ask.",
        processes=None,
        needs=ANY_KEY,
        example=_EXAMPLE,
    ),
)
