"""What was done with a subject's data, and all that is held of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from perse_client.call import Call, Listing, get
from perse_client.operations.measures import Answer
from perse_client.operations.subjects import path_of


@dataclass(frozen=True, kw_only=True)
class LedgerEntry:
    """``declaration``: given, absent, refused or not_needed. ``key_id``: None of the operator's.
    ``intact``: False where somebody has changed it since."""

    seq: int
    at: datetime
    operation: str
    declaration: str
    key_id: str | None
    purpose: str | None
    hash: str
    intact: bool


@dataclass(frozen=True, kw_only=True)
class LedgerChain:
    """``whole``: whether nothing was changed, inserted or removed."""

    whole: bool
    problems: tuple[str, ...]
    checked_at: datetime


@dataclass(frozen=True, kw_only=True)
class LedgerPage(Answer):
    """``chain``: None where it was not asked for. ``next_cursor``: None on the last page."""

    entries: tuple[LedgerEntry, ...]
    chain: LedgerChain | None
    next_cursor: str | None


@dataclass(frozen=True, kw_only=True)
class SubjectExport(Answer):
    """``subjects``: what is held, the templates too; empty of one that was deleted."""

    user_token: str
    exported_at: datetime
    subjects: tuple[Mapping[str, Any], ...]
    consent_ledger: tuple[Mapping[str, Any], ...]
    receipts: tuple[str, ...]


def show_ledger(
    subject_id: str,
    *,
    limit: int | None = None,
    cursor: str | None = None,
    check_chain: bool | None = None,
) -> Call[LedgerPage]:
    """What the consent ledger says of a subject, the oldest first. ``check_chain``: whether to
    check the whole ledger, too."""
    asked = None if check_chain is None else str(check_chain).lower()
    path = f"{path_of(subject_id)}/ledger"
    return get(path, LedgerPage, limit=limit, cursor=cursor, check_chain=asked)


def iter_ledger(subject_id: str, *, page_size: int = 1000) -> Listing[LedgerEntry, LedgerPage]:
    """All that the consent ledger says of a subject, the oldest first."""

    def page_at(cursor: str | None) -> Call[LedgerPage]:
        return show_ledger(subject_id, limit=page_size, cursor=cursor)

    def following(page: LedgerPage) -> Call[LedgerPage] | None:
        return None if page.next_cursor is None else page_at(page.next_cursor)

    return Listing(page_at(None), lambda page: page.entries, following)


def export_subject(subject_id: str) -> Call[SubjectExport]:
    """Everything held about a subject, the templates too. Handle with care."""
    return get(f"{path_of(subject_id)}/export", SubjectExport)
