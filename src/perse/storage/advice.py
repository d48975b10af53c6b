"""What an operator can do about what a database says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# PostgreSQL's sentences: of all connections, of a role's or a database's, of those kept for others.
NO_CONNECTION_LEFT: Final = (
    "too many clients",
    "too many connections",
    "remaining connection slots",
)
_RAISE: Final = (
    "PostgreSQL has no connection left: raise max_connections or lower PERSE_PROCESSES, each of "
    "which may take 40; nothing was lost"
)
_ADVICE: Final[Mapping[str, str]] = {
    **dict.fromkeys(NO_CONNECTION_LEFT, _RAISE),
    "is full": "the disk that holds the database is full: make room; nothing was lost",
    "No space left": "the disk that holds the database is full: make room; nothing was lost",
    "statement timeout": "the database was busy for too long: try again; nothing was lost",
    "stale primary": "the database that answers was replaced by another: end it, or let it "
    "follow the new one",
    "is locked": "the database was busy for too long: try again; nothing was lost",
    "readonly": "the database file may not be written: check its owner and mode",
    "not a database": "the database file is damaged or no SQLite database: restore a backup",
    "unable to open": "the database file cannot be opened: check its folder's owner and mode, "
    "and the room on its disk",
    "disk I/O": "the disk that holds the database fails: check it and the room on it",
    "malformed": "the database file is damaged: restore a backup",
}


def advice_on(cause: str) -> str:
    """``cause``: what the database said; it is not repeated."""
    for mark, advice in _ADVICE.items():
        if mark in cause:
            return advice
    return "the database does not answer: check that it runs; nothing was lost; try again"
