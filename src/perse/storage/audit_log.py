"""The audit log in SQL, and the hand that writes it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

import sqlalchemy as sa

from perse.domain.access import Caller, TenantId
from perse.domain.audit import (
    BEGUN,
    DONE,
    Actor,
    AuditEntry,
    AuditLink,
    Deed,
    audit_chain,
    details_text,
)
from perse.domain.chains import ChainPoint
from perse.errors import NotFound, PerseError, StorageUnavailable, TracesRemain
from perse.storage.audit_tables import audit_entries, audit_head
from perse.storage.chains import Shape, SqlChain
from perse.storage.database import Database
from perse.storage.schema import Row, tenants


class SqlAuditLog(SqlChain[AuditEntry]):
    """Append-only."""

    __slots__ = ()

    @classmethod
    def of(cls, database: Database, key: bytes) -> Self:
        """``key`` keys the chain's hashes."""
        return cls(database, _SHAPE, audit_chain(key))

    def entries(self, *, since: datetime | None = None) -> Iterator[AuditLink]:
        """Every entry, or those from a moment on, the oldest first."""
        query = sa.select(audit_entries)
        if since is not None:
            query = query.where(audit_entries.c.at >= since)
        return self.read_in_pages(query)

    def page(
        self, tenant_id: TenantId, *, after: int, limit: int, since: datetime | None = None
    ) -> Sequence[AuditLink]:
        """Entries behind entry ``after`` about what is the tenant's, the oldest first; those about
        the installation, too, while it has no other tenant."""
        mine = audit_entries.c.tenant_id == tenant_id
        others = sa.select(tenants.c.tenant_id).where(tenants.c.tenant_id != tenant_id)
        alone = audit_entries.c.tenant_id.is_(None) & ~sa.exists(others)
        query = sa.select(audit_entries).where(audit_entries.c.seq > after, mine | alone)
        if since is not None:
            query = query.where(audit_entries.c.at >= since)
        with self.database.read() as connection:
            return list(self.read(connection, query.limit(limit)))

    def latest_in(self, connection: sa.Connection, act: str) -> AuditEntry | None:
        """The last entry of an act, within a transaction."""
        newest = sa.select(sa.func.max(audit_entries.c.seq)).where(audit_entries.c.act == act)
        query = sa.select(audit_entries).where(audit_entries.c.seq == newest.scalar_subquery())
        row = connection.execute(query).one_or_none()
        return None if row is None else _entry(row)


@dataclass(frozen=True, slots=True)
class Journal:
    """The audit log in the hand of whoever acts."""

    log: SqlAuditLog
    actor: Actor
    now: Callable[[], datetime]

    def by(self, actor: Actor) -> Self:
        """The same in another's hand."""
        return replace(self, actor=actor)

    def note_in(self, connection: sa.Connection, deed: Deed) -> ChainPoint:
        """Write down what the transaction does, with it or not at all. Where the transaction
        writes to the consent ledger too, this comes before, or two would wait for each other."""
        return self.log.append_in(connection, [self._entry(deed)])

    def note(self, deed: Deed, *, caller: Caller | None = None) -> None:
        """Write down what was done, by an API key or by whose hand this is. Raises
        StorageUnavailable."""
        hand = self.by(Actor.of(caller)) if caller else self
        self.log.append([hand._entry(deed)])

    def note_news(self, deed: Deed) -> None:
        """The same, unless the last entry of that act says just this."""
        with self.log.database.read() as connection:
            if self._known(connection, deed):
                return
        with self.log.database.write() as connection:
            self.log.hold_in(connection)
            if not self._known(connection, deed):
                self.note_in(connection, deed)

    @contextmanager
    def trying(self, deed: Deed) -> Iterator[None]:
        """What does not come about is written down with the code of its error, but where the
        database does not answer, or answers only that all is done and traces remain. Of what was
        named and is not there only the act is: in place of a name may stand a secret."""
        try:
            yield
        except StorageUnavailable:
            raise
        except (PerseError, OSError) as error:
            code = error.code if isinstance(error, PerseError) else PerseError.code
            tried = Deed(deed.act) if isinstance(error, NotFound) else deed
            with suppress(StorageUnavailable):
                self.log.append([self._entry(tried, code)])
            raise

    @contextmanager
    def recording(self, deed: Deed) -> Iterator[None]:
        """For what is no transaction of ours: written down when it is done, or failed."""
        with self.trying(deed):
            try:
                yield
            except TracesRemain:
                self.note(deed)
                raise
            self.note(deed)

    @contextmanager
    def undertaking(self, deed: Deed) -> Iterator[Counter[str]]:
        """For what is many transactions: written down before, and when it ends, however it does,
        with what was counted till then. Raises StorageUnavailable before anything is done."""
        self.log.append([self._entry(deed, BEGUN)])
        counts, outcome = Counter[str](), PerseError.code
        try:
            yield counts
            outcome = DONE
        except TracesRemain:
            outcome = DONE
            raise
        except PerseError as error:
            outcome = error.code
            raise
        finally:
            ended = replace(deed, details={**deed.details, **counts})
            with suppress(*() if outcome == DONE else (StorageUnavailable,)):
                self.log.append([self._entry(ended, outcome)])

    def _known(self, connection: sa.Connection, deed: Deed) -> bool:
        latest = self.log.latest_in(connection, deed.act)
        return latest is not None and latest.deed == deed

    def _entry(self, deed: Deed, outcome: str | None = None) -> AuditEntry:
        entry = AuditEntry(self.now(), self.actor, deed)
        return entry if outcome is None else replace(entry, outcome=outcome)


def _columns(entry: AuditEntry) -> Mapping[str, object]:
    deed = entry.deed
    return {
        "at": entry.at,
        "actor_kind": str(entry.actor.kind),
        "actor": entry.actor.name,
        "act": str(deed.act),
        "target": deed.target,
        "tenant_id": deed.tenant_id,
        "details": details_text(deed.details),
        "outcome": entry.outcome,
    }


def _entry(row: Row) -> AuditEntry:
    return AuditEntry(
        at=row.at,
        actor=Actor(row.actor_kind, row.actor),
        deed=Deed(
            row.act,
            row.target,
            None if row.tenant_id is None else TenantId(row.tenant_id),
            _details(row.details),
        ),
        outcome=row.outcome,
    )


def _details(text: str) -> Mapping[str, str | int]:
    """What somebody made unreadable is other than what was hashed, and so it is found."""
    try:
        return dict(json.loads(text))
    except (ValueError, TypeError):
        return {"unreadable": text}


_SHAPE = Shape(audit_entries, audit_head, _columns, _entry)
