"""What the consent ledger holds about a subject."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Protocol

from perse.domain.access import TenantId
from perse.domain.chains import ChainPoint
from perse.domain.consent import ChainedEntry
from perse.domain.references import UserToken
from perse.pipelines.recently import Recently
from perse.pipelines.reference_ports import Now
from perse.pipelines.subject_ports import SubjectStore

_MOST_PROBLEMS = 20
_KEPT_S = 60.0


class LedgerPages(Protocol):
    def page(
        self, tenant_id: TenantId, user_token: UserToken, *, after: int, limit: int
    ) -> Sequence[ChainedEntry]:
        """Entries of one subject behind entry ``after``, the oldest first."""
        ...

    def intact(self, link: ChainedEntry) -> bool:
        """Whether an entry is what this server wrote, and in the place where it did."""
        ...


@dataclass(frozen=True, slots=True)
class CheckedEntry:
    link: ChainedEntry
    intact: bool


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """``next_after``: None on the last page."""

    entries: Sequence[CheckedEntry]
    next_after: int | None


@dataclass(frozen=True, slots=True)
class ShowLedger:
    """Use case: a subject's entries, page by page, also when it was deleted since."""

    subjects: SubjectStore
    ledger: LedgerPages

    def __call__(
        self, tenant_id: TenantId, user_token: UserToken, *, after: int = 0, limit: int = 100
    ) -> LedgerPage:
        """Raises UserTokenNotFound where the tenant has no such subject, and never had."""
        found = self.ledger.page(tenant_id, user_token, after=after, limit=limit + 1)
        if not found and after == 0:
            self.subjects.get(tenant_id, user_token)
        links = found[:limit]
        entries = [CheckedEntry(link, self.ledger.intact(link)) for link in links]
        return LedgerPage(entries, links[-1].point.seq if len(found) > limit else None)


@dataclass(frozen=True, slots=True)
class LedgerState:
    """What was wrong with the ledger as a whole, a sentence each, the first ones; nothing where
    all was well."""

    checked_at: datetime
    problems: Sequence[str]


def recent_check(
    check: Callable[[Iterable[ChainPoint]], Iterable[str]], now: Now
) -> Recently[LedgerState]:
    """The state of the ledger, as it was a minute ago at most: all of it is read for that, of all
    tenants."""

    def state() -> LedgerState:
        return LedgerState(now(), tuple(islice(check(()), _MOST_PROBLEMS)))

    return Recently(state, kept_s=_KEPT_S, clock_s=lambda: now().timestamp())
