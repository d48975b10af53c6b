"""What was done with a person's data, and what is held of it, for whoever may see that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from perse.auth.api_keys import utc_now
from perse.bootstrap.upkeep import wire_ledger_check
from perse.pipelines.consent import RecordConsent
from perse.pipelines.subject_export import ExportSubject
from perse.pipelines.subject_ledger import LedgerState, ShowLedger, recent_check
from perse.settings import Settings
from perse.storage.audit_log import SqlAuditLog
from perse.storage.ledger_writer import LedgerWriter
from perse.storage.storage import Storage


@dataclass(frozen=True, slots=True)
class HistoryServices:
    """``check``: of the ledger as a whole; ``audit``: the audit log."""

    ledger: ShowLedger
    check: Callable[[], LedgerState]
    export: ExportSubject
    audit: SqlAuditLog


def wire_history(storage: Storage, consent: RecordConsent) -> HistoryServices:
    """``consent`` records exports."""
    return HistoryServices(
        ShowLedger(storage.subjects, storage.ledger),
        recent_check(wire_ledger_check(storage), utc_now),
        wire_export(storage, consent),
        storage.journal.log,
    )


@contextmanager
def opened_subject_export(settings: Settings, storage: Storage) -> Iterator[ExportSubject]:
    """With the thread that records exports."""
    with closing(LedgerWriter(storage.ledger)) as writer:
        purpose = settings.consent_purpose
        yield wire_export(storage, RecordConsent(writer, utc_now, purpose=purpose))


def wire_export(storage: Storage, consent: RecordConsent) -> ExportSubject:
    """``consent`` records exports."""
    return ExportSubject(
        tenants=storage.tenants,
        subjects=storage.subjects,
        samples=storage.samples,
        guesses=storage.guesses,
        ledger=storage.ledger,
        receipts=storage.receipts,
        sessions=storage.sessions,
        consent=consent,
        acts=storage.journal,
        now=utc_now,
    )
