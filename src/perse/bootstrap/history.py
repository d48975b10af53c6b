"""What was done with a person's data, and what is held of it, for whoever may see that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from perse.auth.api_keys import utc_now
from perse.bootstrap.upkeep import wire_ledger_check
from perse.pipelines.reference_ports import ConsentLedger
from perse.pipelines.subject_export import ExportSubject
from perse.pipelines.subject_ledger import RecentCheck, ShowLedger
from perse.storage.ledger_writer import LedgerWriter
from perse.storage.storage import Storage


@dataclass(frozen=True, slots=True)
class HistoryServices:
    """``check``: of the ledger as a whole."""

    ledger: ShowLedger
    check: RecentCheck
    export: ExportSubject


def wire_history(storage: Storage, writer: ConsentLedger) -> HistoryServices:
    """``writer`` records exports."""
    return HistoryServices(
        ShowLedger(storage.subjects, storage.ledger),
        RecentCheck(wire_ledger_check(storage), utc_now),
        wire_export(storage, writer),
    )


@contextmanager
def opened_subject_export(storage: Storage) -> Iterator[ExportSubject]:
    """With the thread that records exports."""
    with closing(LedgerWriter(storage.ledger)) as writer:
        yield wire_export(storage, writer)


def wire_export(storage: Storage, writer: ConsentLedger) -> ExportSubject:
    """``writer`` records exports."""
    return ExportSubject(
        tenants=storage.tenants,
        subjects=storage.subjects,
        samples=storage.samples,
        guesses=storage.guesses,
        ledger=storage.ledger,
        receipts=storage.receipts,
        writer=writer,
        now=utc_now,
    )
