"""Who changed who may do what, or what is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from perse_client.call import Call, Listing, get
from perse_client.operations.measures import Answer


@dataclass(frozen=True, kw_only=True)
class AuditActor:
    """``kind``: command, key or server. ``name``: the system's user and host, or a key's id."""

    kind: str
    name: str


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """``outcome``: done, else the code of the error that it ended with. ``intact``: False where
    somebody has changed it since."""

    seq: int
    at: datetime
    actor: AuditActor
    act: str
    target: str
    details: Mapping[str, Any]
    outcome: str
    hash: str
    intact: bool


@dataclass(frozen=True, kw_only=True)
class AuditPage(Answer):
    """``next_cursor``: None on the last page."""

    entries: tuple[AuditEntry, ...]
    next_cursor: str | None


def show_audit(
    *, limit: int | None = None, cursor: str | None = None, since: str | None = None
) -> Call[AuditPage]:
    """A page of the tenant's audit log, the oldest first. ``since``: a day or a moment (RFC
    3339)."""
    return get("/v1/audit", AuditPage, limit=limit, cursor=cursor, since=since)


def iter_audit(
    *, since: str | None = None, page_size: int = 1000
) -> Listing[AuditEntry, AuditPage]:
    """All of the tenant's audit log, or from a moment on, the oldest first."""

    def page_at(cursor: str | None) -> Call[AuditPage]:
        return show_audit(limit=page_size, cursor=cursor, since=since)

    def following(page: AuditPage) -> Call[AuditPage] | None:
        return None if page.next_cursor is None else page_at(page.next_cursor)

    return Listing(page_at(None), lambda page: page.entries, following)
