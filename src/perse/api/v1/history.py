"""What was done with a subject's data, and all that is held of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from perse.api.http.answers import Answer, Success
from perse.api.http.calls import Call
from perse.api.http.consent import Processes
from perse.api.http.needs import Needs
from perse.api.http.nulls import without_nulls
from perse.api.http.operations import Operation, Parameter
from perse.api.v1.chain_pages import PAGING, paging_of
from perse.api.v1.examples import RECEIPT, SUBJECT_ID
from perse.api.v1.wire import SUBJECT, Cursor, subject_in
from perse.domain.access import Permission
from perse.domain.consent import Processing
from perse.errors import InvalidParameter, SubjectNotFound
from perse.pipelines.subject_ledger import CheckedEntry, LedgerState

_ONE = f"/v1/subjects/{{{SUBJECT.name}}}"


class WireEntry(Answer):
    seq: int = Field(ge=1, description="Its place in the ledger of the installation.")
    at: datetime
    operation: str = Field(description="What was done.")
    declaration: str = Field(
        description="The end user's consent: `given`, `absent`, `refused` or `not_needed`."
    )
    key_id: str | None = Field(None, description="Whose call it was; absent of the operator's.")
    purpose: str | None = Field(None, description="What for, where the operator says so.")
    hash: str = Field(description="Of this entry and the one before it, keyed.")
    intact: bool = Field(description="False where somebody has changed it since.")


class WireChain(Answer):
    whole: bool = Field(description="Whether nothing was changed, inserted or removed.")
    problems: list[str] = Field(description="What was, a sentence each; the first twenty.")
    checked_at: datetime


class LedgerAnswer(Success):
    entries: list[WireEntry] = Field(description="The oldest first.")
    chain: WireChain | None = Field(None, description="Where `check_chain` asked for it.")
    next_cursor: Cursor


class ExportAnswer(Success):
    user_token: str
    exported_at: datetime
    subjects: list[dict[str, Any]] = Field(
        description="What is held: details, failed comparisons, samples with their templates, "
        "liveness sessions. "
        "Empty of a subject that was deleted."
    )
    consent_ledger: list[dict[str, Any]] = Field(description="Entries about the subject.")
    receipts: list[str] = Field(description="Signed proofs of destruction (JWS).")


async def show_ledger(call: Call) -> LedgerAnswer:
    """The ledger's entries about a subject."""
    history, token, (after, limit) = call.services.history, subject_in(call), paging_of(call)
    wants_chain = _flag(call.request.query_params.get("check_chain", "false"))
    page = await call.look_up(
        lambda: history.ledger(call.caller.tenant_id, token, after=after, limit=limit)
    )
    chain = await call.look_up(history.check) if wants_chain else None
    return LedgerAnswer(
        entries=[_entry(it) for it in page.entries],
        chain=chain and _chain(chain),
        next_cursor=None if page.next_after is None else str(page.next_after),
        time_taken=call.time_taken(),
    )


async def export(call: Call) -> ExportAnswer:
    """Everything held about a subject."""
    token, export_subject = subject_in(call), call.services.history.export
    document = await call.look_up(lambda: without_nulls(export_subject(token, caller=call.caller)))
    return ExportAnswer(**document, time_taken=call.time_taken())


def _flag(text: str) -> bool:
    if text not in {"true", "false"}:
        raise InvalidParameter("check_chain is either true or false")
    return text == "true"


def _entry(checked: CheckedEntry) -> WireEntry:
    link = checked.link
    entry = link.entry
    return WireEntry(
        seq=link.point.seq,
        at=entry.at,
        operation=entry.operation,
        declaration=entry.declaration,
        key_id=entry.key_id,
        purpose=entry.purpose,
        hash=link.point.hash.hex(),
        intact=checked.intact,
    )


def _chain(state: LedgerState) -> WireChain:
    problems = list(state.problems)
    return WireChain(whole=not problems, problems=problems, checked_at=state.checked_at)


_AT = "2026-11-28T09:30:00.123456Z"
_LEDGER: dict[str, Any] = {
    "entries": [
        {
            "seq": 4711,
            "at": _AT,
            "operation": Processing.ENROL,
            "declaration": "given",
            "key_id": "0b1f7c0e-4a62-4f0b-9f0e-2f5b7f6f4a55",
            "purpose": "account recovery",
            "hash": "5f" * 32,
            "intact": True,
        }
    ],
    "chain": {"whole": True, "problems": [], "checked_at": _AT},
    "next_cursor": "4711",
    "time_taken": 0.004,
    "status": 200,
}
_EXPORT: dict[str, Any] = {
    "user_token": SUBJECT_ID,
    "exported_at": _AT,
    "subjects": [
        {
            "external_id": "account-4711",
            "collections": ["staff"],
            "failed_comparisons": {"in_a_row": 0, "in_total": 1},
            "samples": [{"modality": "face", "template": {"model": "sface", "values": [0.1]}}],
        }
    ],
    "consent_ledger": [{"seq": 4711, "operation": Processing.ENROL}],
    "receipts": [RECEIPT["receipt"]],
    "time_taken": 0.006,
    "status": 200,
}

OPERATIONS = (
    Operation(
        "GET",
        f"{_ONE}/ledger",
        show_ledger,
        LedgerAnswer,
        summary="Show a subject's ledger",
        tag="subjects",
        description="What the consent ledger says of a subject, the oldest first, page by page, "
        "also after its deletion. Each entry is checked by itself; `check_chain` asks whether "
        "the ledger is whole, for which all of it is read, once a minute at most.",
        parameters=(
            SUBJECT,
            *PAGING,
            Parameter(
                "check_chain",
                "query",
                "`true` asks whether the ledger is whole.",
                {"type": "string", "enum": ["true", "false"]},
            ),
        ),
        processes=None,
        needs=Needs.of(Permission.READ),
        errors=(InvalidParameter, SubjectNotFound),
        example=_LEDGER,
    ),
    Operation(
        "GET",
        f"{_ONE}/export",
        export,
        ExportAnswer,
        summary="Export a subject",
        tag="subjects",
        description="Everything held about a subject, for that person (GDPR article 15, LGPD "
        "article 18): the templates too. The export is written down in the ledger.",
        parameters=(SUBJECT,),
        processes=Processes(Processing.EXPORT, with_change=True),
        needs=Needs.of(Permission.EXPORT),
        errors=(InvalidParameter, SubjectNotFound),
        example=_EXPORT,
    ),
)
