"""Who changed who may do what, or what is kept: for the operator."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from perse.api.http.answers import Answer, Success
from perse.api.http.calls import Call
from perse.api.http.needs import Needs
from perse.api.http.operations import Operation, Parameter
from perse.api.v1.chain_pages import PAGING, paging_of
from perse.api.v1.wire import Cursor
from perse.domain.access import Permission
from perse.domain.audit import DONE, Act, ActorKind, AuditLink
from perse.errors import InvalidParameter


class WireActor(Answer):
    kind: str = Field(description="`command`, `key` or `server`.")
    name: str = Field(
        description="The system's user and host of a command or a server; the id of an API key."
    )


class WireAct(Answer):
    seq: int = Field(ge=1, description="Its place in the audit log of the installation.")
    at: datetime
    actor: WireActor
    act: str = Field(description="What was done.")
    target: str = Field(description="On what; may be empty.")
    details: dict[str, str | int] = Field(description="Names and numbers of it.")
    outcome: str = Field(
        description="`done`, or the code of the error that it ended with: then nothing was done, "
        "but by an act of many transactions. Such an act has an entry `begun`, and another with "
        "what was done when it ends."
    )
    hash: str = Field(description="Of this entry and the one before it, keyed.")
    intact: bool = Field(description="False where somebody has changed it since.")


class AuditAnswer(Success):
    entries: list[WireAct] = Field(description="The oldest first.")
    next_cursor: Cursor


async def show_audit(call: Call) -> AuditAnswer:
    """The audit log's entries about what is the tenant's."""
    log, (after, limit) = call.services.history.audit, paging_of(call)
    since = _moment(call.request.query_params.get("since"))
    tenant_id = call.caller.tenant_id
    found = await call.look_up(
        lambda: log.page(tenant_id, after=after, limit=limit + 1, since=since)
    )
    links = found[:limit]
    return AuditAnswer(
        entries=[_entry(link, intact=log.intact(link)) for link in links],
        next_cursor=str(links[-1].point.seq) if len(found) > limit else None,
        time_taken=call.time_taken(),
    )


def _moment(text: str | None) -> datetime | None:
    """A day or a moment (RFC 3339); without an offset it is UTC."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidParameter("since is a day or a moment, such as 2026-11-28T09:30:00Z") from None


def _entry(link: AuditLink, *, intact: bool) -> WireAct:
    entry, deed = link.entry, link.entry.deed
    return WireAct(
        seq=link.point.seq,
        at=entry.at,
        actor=WireActor(kind=entry.actor.kind, name=entry.actor.name),
        act=deed.act,
        target=deed.target,
        details=dict(deed.details),
        outcome=entry.outcome,
        hash=link.point.hash.hex(),
        intact=intact,
    )


_EXAMPLE: dict[str, Any] = {
    "entries": [
        {
            "seq": 12,
            "at": "2026-11-28T09:30:00.123456Z",
            "actor": {"kind": ActorKind.COMMAND, "name": "alice@server-1"},
            "act": Act.KEY_PERMIT,
            "target": "kiosk",
            "details": {
                "key_id": "0b1f7c0e-4a62-4f0b-9f0e-2f5b7f6f4a55",
                "before": "verify",
                "may": "verify enrol",
            },
            "outcome": DONE,
            "hash": "5f" * 32,
            "intact": True,
        }
    ],
    "next_cursor": "12",
    "time_taken": 0.004,
    "status": 200,
}

OPERATIONS = (
    Operation(
        "GET",
        "/v1/audit",
        show_audit,
        AuditAnswer,
        summary="Show the audit log",
        tag="operation",
        description="Who did what on what of the caller's tenant, the oldest first, page by page; "
        "what concerns the installation as a whole, too, while it has no other tenant. Each entry "
        "is checked by itself; `perse audit verify` checks all of them together.",
        parameters=(
            *PAGING,
            Parameter(
                "since",
                "query",
                "Those from this day or moment on; without an offset it is UTC.",
                {"type": "string", "examples": ["2026-11-28T09:30:00Z"]},
            ),
        ),
        processes=None,
        needs=Needs.of(Permission.OPERATE),
        errors=(InvalidParameter,),
        example=_EXAMPLE,
    ),
)
