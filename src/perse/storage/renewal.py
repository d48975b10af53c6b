"""New keys for all tenants, so that nothing opens any more what old copies hold of the deleted."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from perse.domain.access import TenantId
from perse.errors import UserTokenNotFound
from perse.storage.bites import delete_in_bites
from perse.storage.bulk_schema import bulk_outcomes
from perse.storage.database import Database
from perse.storage.schema import Row, subjects, templates, tenant_keys
from perse.storage.sealing import rewrap_template
from perse.storage.template_rows import lock_tenant, owner_of, record_of, records_query
from perse.storage.tenant_keys import TenantKeys

_ROWS_AT_A_TIME = 200


@dataclass(frozen=True, slots=True)
class RenewTenantKeys:
    """Every data key is wrapped anew, a few at a time. Cut short, it leaves a tenant with two
    keys that are both needed; the next run ends that. One run at a time: ``rotation_lock``."""

    database: Database
    tenant_keys: TenantKeys

    def __call__(self) -> int:
        """How many data keys were wrapped anew."""
        with self.database.read() as connection:
            known = connection.execute(sa.select(tenant_keys.c.tenant_id).distinct()).scalars()
            tenant_ids = [TenantId(tenant_id) for tenant_id in known]
        return sum(self._renew(tenant_id) for tenant_id in tenant_ids)

    def _renew(self, tenant_id: TenantId) -> int:
        try:
            with self._holding(tenant_id) as connection:
                newest = self.tenant_keys.renew(connection, tenant_id).generation
            count = sum(self._rewrap(tenant_id, newest))
            self._drop_outcomes(tenant_id, newest)
            with self._holding(tenant_id) as connection:
                connection.execute(_unused_keys(tenant_id, newest))
        except UserTokenNotFound:  # the tenant was erased meanwhile, and its keys with it
            return 0
        return count

    def _rewrap(self, tenant_id: TenantId, newest: int) -> Iterator[int]:
        """Whoever enrols from now on is sealed with the newest key: once through is enough."""
        last = 0
        while True:
            began = time.monotonic()
            rows = self._rewrap_some(tenant_id, newest, after=last)
            if not rows:
                return
            yield len(rows)
            last = rows[-1].template_id
            if self.database.is_sqlite:  # which serves waiting writers in no order: let them in
                time.sleep(time.monotonic() - began)

    def _rewrap_some(self, tenant_id: TenantId, newest: int, *, after: int) -> Sequence[Row]:
        with self._holding(tenant_id) as connection:
            keys = self.tenant_keys.keys(connection, tenant_id)
            rows = connection.execute(_of_older_keys(tenant_id, newest, after)).all()
            changed = [
                {
                    "its_id": row.template_id,
                    "key_generation": newest,
                    "envelope": rewrap_template(
                        row.envelope,
                        owner_of(tenant_id, record_of(row)),
                        old_key=keys[row.key_generation],
                        new_key=keys[newest],
                    ),
                }
                for row in rows
            ]
            if changed:
                connection.execute(_ENVELOPES, changed)
        return rows

    def _drop_outcomes(self, tenant_id: TenantId, newest: int) -> None:
        """Those of bulk work that older keys seal: they are made again where they are asked for."""
        table = bulk_outcomes.c
        old = sa.and_(table.tenant_id == tenant_id, table.key_generation < newest)
        delete_in_bites(lambda: self._holding(tenant_id), bulk_outcomes, old)

    @contextmanager
    def _holding(self, tenant_id: TenantId) -> Iterator[sa.Connection]:
        """A transaction during which nobody erases the tenant. Raises UserTokenNotFound."""
        with self.database.write() as connection:
            lock_tenant(connection, tenant_id)
            yield connection


_ENVELOPES = (
    sa.update(templates)
    .where(templates.c.template_id == sa.bindparam("its_id"))
    .values(key_generation=sa.bindparam("key_generation"), envelope=sa.bindparam("envelope"))
)


def _of_older_keys(tenant_id: TenantId, newest: int, after: int) -> sa.Select[*tuple[object, ...]]:
    return (
        records_query()
        .add_columns(templates.c.key_generation, templates.c.envelope)
        .where(
            subjects.c.tenant_id == tenant_id,
            templates.c.template_id > after,
            templates.c.key_generation < newest,
        )
        .order_by(templates.c.template_id)
        .limit(_ROWS_AT_A_TIME)
        .with_for_update(of=templates)
    )


def _unused_keys(tenant_id: TenantId, newest: int) -> sa.Delete:
    """Older keys that no template names."""
    named = (
        sa.select(templates.c.key_generation)
        .join(subjects)
        .where(subjects.c.tenant_id == tenant_id)
    )
    return sa.delete(tenant_keys).where(
        tenant_keys.c.tenant_id == tenant_id,
        tenant_keys.c.generation < newest,
        tenant_keys.c.generation.not_in(named),
    )
