"""Tenants as a whole: what they hold, what of it is old, and their end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from perse.domain.access import TenantId
from perse.domain.audit import Act, Deed
from perse.domain.consent import ConsentEntry
from perse.domain.receipts import Destruction, DestructionEvent, Receipt, all_tokens_sha256
from perse.domain.references import Modality, UserToken
from perse.domain.samples import ModelName
from perse.errors import NotFound
from perse.storage.audit_log import Journal
from perse.storage.bites import delete_in_bites
from perse.storage.bulk_schema import bulk_keys, bulk_outcomes
from perse.storage.database import Database
from perse.storage.ledger import SqlLedger
from perse.storage.quotas import forget_quotas
from perse.storage.receipts import SqlReceipts
from perse.storage.schema import (
    api_keys,
    collection_members,
    collections,
    idempotency_keys,
    liveness_failures,
    liveness_sessions,
    rate_buckets,
    subject_changes,
    subjects,
    templates,
    tenant_keys,
    tenants,
)


@dataclass(frozen=True, slots=True)
class TenantSummary:
    tenant_id: TenantId
    created_at: datetime
    users: int
    active_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SqlTenants:
    database: Database
    ledger: SqlLedger
    receipts: SqlReceipts
    journal: Journal

    def list(self) -> Sequence[TenantSummary]:
        """Every tenant, the oldest first."""
        with self.database.read() as connection:
            names = _active_names(connection)
            rows = connection.execute(sa.select(tenants).order_by(tenants.c.created_at)).all()
        return [
            TenantSummary(
                TenantId(row.tenant_id),
                row.created_at,
                row.subjects_held,
                tuple(names.get(row.tenant_id, ())),
            )
            for row in rows
        ]

    def erase(self, *, entry: ConsentEntry) -> Receipt:
        """Destroy all that ``entry``'s tenant has: users, keys, API keys. Raises NotFound.

        Its ledger entries stay, as the proof of what was done under which declaration.
        """
        tenant_id = entry.tenant_id
        deed = Deed(Act.TENANT_DELETE, tenant_id, tenant_id)
        erasing = self.database.write_and_erase(at_leisure=True)
        with self.journal.trying(deed), erasing as connection:
            _lock(connection, tenant_id)
            tokens = _tokens(connection, tenant_id)
            destroyed = _erase_rows(connection, tenant_id)
            details = {"users": len(tokens), **destroyed}
            self.journal.note_in(connection, replace(deed, details=details))
            receipt = self.receipts.issue_in(
                connection,
                Destruction(
                    event=DestructionEvent.TENANT_DELETED,
                    tenant_id=tenant_id,
                    subject_sha256=all_tokens_sha256(tokens),
                    destroyed=destroyed,
                    at=entry.at,
                    ledger=self.ledger.append_in(connection, [entry]),
                ),
            )
        return receipt

    def owners(self, user_token: UserToken) -> Sequence[TenantId]:
        """The tenants that have a user of that token: one, or none."""
        query = sa.select(subjects.c.tenant_id).where(subjects.c.user_token == user_token)
        with self.database.read() as connection:
            return [TenantId(tenant_id) for tenant_id in connection.execute(query).scalars()]

    def not_updated_since(
        self, moment: datetime, *, limit: int
    ) -> Sequence[tuple[TenantId, UserToken]]:
        """Users whose reference is older than that, the oldest first."""
        query = (
            sa.select(subjects.c.tenant_id, subjects.c.user_token)
            .where(subjects.c.updated_at < moment)
            .order_by(subjects.c.updated_at)
            .limit(limit)
        )
        with self.database.read() as connection:
            return [
                (TenantId(row.tenant_id), UserToken(row.user_token))
                for row in connection.execute(query)
            ]

    def users_by_model(self) -> dict[tuple[TenantId, ModelName], int]:
        """How many users each tenant has with faces of each network."""
        return users_by_model(self.database)

    def forget_retries(self, *, before: datetime) -> int:
        """Drop clients' names of requests that are too old to be sent again."""
        old = idempotency_keys.c.created_at < before
        return delete_in_bites(self.database.write, idempotency_keys, old)


def users_by_model(database: Database) -> dict[tuple[TenantId, ModelName], int]:
    """How many users each tenant has with faces of each network."""
    columns = (subjects.c.tenant_id, templates.c.model)
    users = sa.func.count(templates.c.subject_id.distinct()).label("users")
    query = (
        sa.select(*columns, users)
        .select_from(templates)
        .join(subjects)
        .where(templates.c.modality == Modality.FACE)
        .group_by(*columns)
    )
    with database.read() as connection:
        return {
            (TenantId(row.tenant_id), ModelName(row.model)): row.users
            for row in connection.execute(query)
        }


def _active_names(connection: sa.Connection) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    query = sa.select(api_keys).where(api_keys.c.revoked_at.is_(None)).order_by(api_keys.c.name)
    for row in connection.execute(query):
        names.setdefault(row.tenant_id, []).append(row.name)
    return names


def _lock(connection: sa.Connection, tenant_id: TenantId) -> None:
    query = sa.select(tenants.c.tenant_id).where(tenants.c.tenant_id == tenant_id)
    if connection.execute(query.with_for_update()).first() is None:
        raise NotFound(f"there is no tenant {tenant_id}: perse tenants list shows them")


def _tokens(connection: sa.Connection, tenant_id: TenantId) -> Sequence[str]:
    query = sa.select(subjects.c.user_token).where(subjects.c.tenant_id == tenant_id)
    return connection.execute(query).scalars().all()


def _erase_rows(connection: sa.Connection, tenant_id: TenantId) -> dict[str, int]:
    """How many of what, by name."""
    mine = sa.select(subjects.c.subject_id).where(subjects.c.tenant_id == tenant_id)
    keys = sa.select(api_keys.c.key_id).where(api_keys.c.tenant_id == tenant_id)
    forget_quotas(connection, tenant_id)
    connection.execute(sa.delete(rate_buckets).where(rate_buckets.c.key_id.in_(keys)))
    of_subjects = {
        table.name: connection.execute(
            sa.delete(table).where(table.c.subject_id.in_(mine))
        ).rowcount
        for table in (templates, collection_members)
    }
    counts = {
        table.name: connection.execute(
            sa.delete(table).where(table.c.tenant_id == tenant_id)
        ).rowcount
        for table in (
            subjects,
            collections,
            liveness_sessions,
            liveness_failures,
            idempotency_keys,
            bulk_keys,
            bulk_outcomes,
            subject_changes,
            tenant_keys,
            api_keys,
            tenants,
        )
    }
    return {
        "templates": of_subjects["templates"],
        "data_keys": of_subjects["templates"],
        "tenant_keys": counts["tenant_keys"],
        "api_keys": counts["api_keys"],
    }
