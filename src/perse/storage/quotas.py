"""Quotas of tenants in SQL, shared by all processes on one database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from perse.domain.access import TenantId
from perse.domain.audit import Act, Deed
from perse.domain.quotas import Grant, Quota, Use, check_most, exceeded, granted, window_at
from perse.errors import NotFound
from perse.storage.audit_log import Journal
from perse.storage.database import Database
from perse.storage.quota_tables import quota_use, quotas
from perse.storage.schema import tenants


@dataclass(frozen=True, slots=True)
class SqlQuotas:
    """What was leased and is lost with a process counts as used until its window ends."""

    database: Database
    journal: Journal

    def set(self, tenant_id: TenantId, quota: Quota, most: int | None) -> None:
        """``most`` None: no quota. Raises NotFound, InvalidParameter."""
        deed = Deed(Act.QUOTA_SET, quota, tenant_id)
        mine = (quotas.c.tenant_id == tenant_id) & (quotas.c.quota == quota)
        with self.journal.trying(deed), self.database.write() as connection:
            _insist(connection, tenant_id)
            before = connection.execute(sa.select(quotas.c.most).where(mine)).scalar()
            connection.execute(sa.delete(quotas).where(mine))
            if most is None:
                used = (quota_use.c.tenant_id == tenant_id) & (quota_use.c.quota == quota)
                connection.execute(sa.delete(quota_use).where(used))
            else:
                row = {"tenant_id": tenant_id, "quota": quota, "most": check_most(most)}
                connection.execute(sa.insert(quotas), row)
            details = {"before": _told(before), "most": _told(most)}
            self.journal.note_in(connection, replace(deed, details=details))

    def use(self, tenant_id: TenantId, *, at: datetime) -> Sequence[Use]:
        """Of people and samples, and of every quota that the tenant has. Raises NotFound."""
        mine = tenants.c.tenant_id == tenant_id
        with self.database.read() as connection:
            held = connection.execute(sa.select(tenants).where(mine)).one_or_none()
            if held is None:
                raise _no_tenant(tenant_id)
            most = _quotas(connection, tenant_id)
            used = _used(connection, tenant_id)
        counts = {Quota.PEOPLE: held.subjects_held, Quota.SAMPLES: held.templates_held}
        windows = [
            Use(it, _now(used.get(it), it, at)[1], most[it], window_at(it, at)[1])
            for it in Quota
            if it.window and it in most
        ]
        return [*windows, *(Use(it, count, most.get(it)) for it, count in counts.items())]

    def lease(
        self, tenant_id: TenantId, held: Mapping[Quota, int], *, at: datetime
    ) -> Mapping[Quota, Grant]:
        """More of every quota with a window that the tenant has; ``held``: what of the window's is
        not spent yet, below 0 where more was spent. A tenant without quotas writes nothing."""
        with self.database.read() as connection:
            if not any(it.window for it in _quotas(connection, tenant_id)):
                return {}
        grants: dict[Quota, Grant] = {}
        with self.database.write_soon() as connection:
            _hold(connection, tenant_id)
            used = _used(connection, tenant_id)
            for quota, most in _quotas(connection, tenant_id).items():
                if quota.window:
                    begins, counted = _now(used.get(quota), quota, at)
                    size = granted(most, counted=counted, held=held.get(quota, 0))
                    self._count(connection, tenant_id, quota, begins, counted + size)
                    grants[quota] = Grant(most, size, window_at(quota, at)[1])
        return grants

    def _count(
        self,
        connection: sa.Connection,
        tenant_id: TenantId,
        quota: Quota,
        begins: datetime,
        used: int,
    ) -> None:
        insert = sqlite.insert if self.database.is_sqlite else postgresql.insert
        now = {"begins_at": begins, "used": used}
        connection.execute(
            insert(quota_use)
            .values(tenant_id=tenant_id, quota=quota, **now)
            .on_conflict_do_update(index_elements=["tenant_id", "quota"], set_=now)
        )


def check_room(connection: sa.Connection, tenant_id: TenantId, held: Mapping[Quota, int]) -> None:
    """In the transaction that holds the tenant's row and has counted what it adds. Raises
    QuotaExceeded."""
    most = _quotas(connection, tenant_id)
    for quota, count in held.items():
        if quota in most and count > most[quota]:
            raise exceeded(quota, most[quota])


def forget_quotas(connection: sa.Connection, tenant_id: TenantId) -> None:
    """With the end of the tenant."""
    for table in (quotas, quota_use):
        connection.execute(sa.delete(table).where(table.c.tenant_id == tenant_id))


def _quotas(connection: sa.Connection, tenant_id: TenantId) -> Mapping[Quota, int]:
    """Those that this version knows."""
    query = sa.select(quotas).where(quotas.c.tenant_id == tenant_id)
    rows = {row.quota: row.most for row in connection.execute(query)}
    return {it: rows[it] for it in Quota if it in rows}


def _used(connection: sa.Connection, tenant_id: TenantId) -> Mapping[str, tuple[datetime, int]]:
    query = sa.select(quota_use).where(quota_use.c.tenant_id == tenant_id)
    return {row.quota: (row.begins_at, row.used) for row in connection.execute(query)}


def _now(counted: tuple[datetime, int] | None, quota: Quota, at: datetime) -> tuple[datetime, int]:
    """When the window that ``at`` is in began, and what is used of it; a clock that is a little
    behind another's counts in the next one, which began by the other. No later one is believed:
    a clock that was far ahead would keep the tenant out for as long."""
    begins, ends = window_at(quota, at)
    return counted if counted is not None and counted[0] in {begins, ends} else (begins, 0)


def _insist(connection: sa.Connection, tenant_id: TenantId) -> None:
    """Hold the tenant's row, as its end does before anything of its quotas. Raises NotFound."""
    query = sa.select(tenants.c.tenant_id).where(tenants.c.tenant_id == tenant_id)
    if connection.execute(query.with_for_update()).first() is None:
        raise _no_tenant(tenant_id)


def _hold(connection: sa.Connection, tenant_id: TenantId) -> None:
    """One process at a time leases of a tenant's quotas. The tenant cannot end meanwhile: its row
    comes first here as there, or both would wait for each other."""
    tenant = sa.select(tenants.c.tenant_id).where(tenants.c.tenant_id == tenant_id)
    connection.execute(tenant.with_for_update(read=True, key_share=True)).all()
    query = sa.select(quotas.c.quota).where(quotas.c.tenant_id == tenant_id)
    connection.execute(query.order_by(quotas.c.quota).with_for_update()).all()


def _no_tenant(tenant_id: TenantId) -> NotFound:
    return NotFound(f"there is no tenant {tenant_id}: perse tenants list shows them")


def _told(most: int | None) -> str | int:
    return "none" if most is None else most
