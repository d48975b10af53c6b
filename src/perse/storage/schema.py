"""The tables. Times are whole microseconds since 1970, UTC; identifiers are text.

``tests/storage`` proves that the migrations lead exactly here.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy
from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

from perse.domain.access import ALL_PERMISSIONS, Permission

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Row = sqlalchemy.Row[*tuple[Any, ...]]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class UtcTime(TypeDecorator[datetime]):
    """An aware datetime, kept as whole microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class PermissionSet(TypeDecorator[frozenset[Permission]]):
    """Permissions by name, a blank between them; NULL is all of them, those to come as well."""

    impl = Text
    cache_ok = True

    def process_bind_param(
        self,
        value: frozenset[Permission] | None,
        dialect: Dialect,  # noqa: ARG002
    ) -> str | None:
        return None if value is None or value == ALL_PERMISSIONS else " ".join(sorted(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> frozenset[Permission]:  # noqa: ARG002
        if value is None:
            return ALL_PERMISSIONS
        return frozenset(Permission) & frozenset(value.split())


# An ever rising number: SQLite counts only in columns declared exactly INTEGER.
Serial = BigInteger().with_variant(Integer(), "sqlite")
Identifier = String(64)

tenants = Table(
    "tenants",
    metadata,
    Column("tenant_id", Identifier, primary_key=True),
    Column("created_at", UtcTime, nullable=False),
    Column("revision", BigInteger, nullable=False, server_default="0"),
    Column("subjects_held", BigInteger, nullable=False, server_default="0"),
    Column("templates_held", BigInteger, nullable=False, server_default="0"),
)

tenant_keys = Table(
    "tenant_keys",
    metadata,
    Column("tenant_id", Identifier, ForeignKey("tenants.tenant_id"), primary_key=True),
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("master_key_id", String(32), nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Identifier, primary_key=True),
    Column("tenant_id", Identifier, ForeignKey("tenants.tenant_id"), nullable=False),
    Column("name", String(100), nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("created_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime, nullable=True),
    Column("permissions", PermissionSet, nullable=True),
    Index(None, "tenant_id"),
    Index(
        "uq_api_keys_active_name",
        "name",
        unique=True,
        sqlite_where=text("revoked_at IS NULL"),
        postgresql_where=text("revoked_at IS NULL"),
    ),
)

subjects = Table(
    "subjects",
    metadata,
    Column("subject_id", Serial, primary_key=True, autoincrement=True),
    Column("tenant_id", Identifier, ForeignKey("tenants.tenant_id"), nullable=False),
    Column("user_token", Identifier, nullable=False),
    Column("external_id", String(200), nullable=True),
    Column("version", BigInteger, nullable=False, server_default="1"),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("failures_in_row", Integer, nullable=False, server_default="0"),  # of faces
    Column("voice_failures_in_row", Integer, nullable=False, server_default="0"),
    Column("failures_total", Integer, nullable=False, server_default="0"),
    Column("blocked_until", UtcTime, nullable=True),
    UniqueConstraint("tenant_id", "user_token"),
    UniqueConstraint("tenant_id", "external_id"),
    Index(None, "tenant_id", "subject_id"),
    Index(None, "tenant_id", "created_at", "user_token"),
    Index(None, "updated_at"),
    sqlite_autoincrement=True,
)

templates = Table(
    "templates",
    metadata,
    Column("template_id", Serial, primary_key=True, autoincrement=True),
    Column("subject_id", Serial, ForeignKey("subjects.subject_id"), nullable=False),
    Column("sample_id", Identifier, nullable=False),
    Column("modality", String(10), nullable=False),
    Column("model", String(200), nullable=False),
    Column("quality", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("key_generation", Integer, nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    UniqueConstraint("subject_id", "sample_id"),
    Index(None, "created_at"),
    sqlite_autoincrement=True,
)

collections = Table(
    "collections",
    metadata,
    Column("collection_id", Serial, primary_key=True, autoincrement=True),
    Column("tenant_id", Identifier, ForeignKey("tenants.tenant_id"), nullable=False),
    Column("name", Identifier, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("tenant_id", "name"),
    sqlite_autoincrement=True,
)

collection_members = Table(
    "collection_members",
    metadata,
    Column(
        "collection_id",
        Serial,
        ForeignKey("collections.collection_id"),
        primary_key=True,
        autoincrement=False,
    ),
    Column(
        "subject_id",
        Serial,
        ForeignKey("subjects.subject_id"),
        primary_key=True,
        autoincrement=False,
    ),
    Index(None, "subject_id"),
)

subject_changes = Table(
    "subject_changes",
    metadata,
    Column("tenant_id", Identifier, ForeignKey("tenants.tenant_id"), primary_key=True),
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    Column("user_token", Identifier, nullable=False),
    Column("change", Integer, nullable=False),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("tenant_id", Identifier, ForeignKey("tenants.tenant_id"), primary_key=True),
    Column("key_digest", LargeBinary, primary_key=True),
    Column("request_digest", LargeBinary, nullable=False),
    Column("user_token", Identifier, nullable=False),
    Column("sample_id", Identifier, nullable=True),
    Column("created_at", UtcTime, nullable=False),
    Index(None, "created_at"),
)

ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column(
        "seq", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False
    ),
    Column("at", UtcTime, nullable=False),
    Column("tenant_id", Identifier, nullable=False),
    Column("key_id", Identifier, nullable=True),
    Column("operation", String(40), nullable=False),
    Column("declaration", String(20), nullable=False),
    Column("user_token", Identifier, nullable=True),
    Column("purpose", Text, nullable=True),
    Column("previous", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Index(None, "tenant_id", "user_token"),
)

ledger_head = Table(
    "ledger_head",
    metadata,
    Column("ledger", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

receipts = Table(
    "receipts",
    metadata,
    Column("receipt_id", Identifier, primary_key=True),
    Column("tenant_id", Identifier, nullable=False),
    Column("event", String(40), nullable=False),
    Column("subject_sha256", String(64), nullable=False),
    Column("issued_at", UtcTime, nullable=False),
    Column("jws", Text, nullable=False),
    Index(None, "tenant_id", "issued_at"),
    Index(None, "subject_sha256"),
)

server_secrets = Table(
    "server_secrets",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("master_key_id", String(32), nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
)

rate_buckets = Table(
    "rate_buckets",
    metadata,
    Column("key_id", Identifier, primary_key=True),
    Column("tokens", Float, nullable=False),
    Column("refilled_at", UtcTime, nullable=False),
)

liveness_sessions = Table(
    "liveness_sessions",
    metadata,
    Column("session_id", Identifier, primary_key=True),
    Column("tenant_id", Identifier, ForeignKey("tenants.tenant_id"), nullable=False),
    Column("key_id", Identifier, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("user_token", Identifier, nullable=True),
    Column("on_pass", String(20), nullable=True),
    Column("correlation_id", String(200), nullable=True),
    Column("origin", String(300), nullable=True),
    Column("declaration", String(20), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("started_at", UtcTime, nullable=True),
    Column("ended_at", UtcTime, nullable=True),
    Column("outcome", Text, nullable=True),
    Column("verdict", Text, nullable=True),
    Index(None, "tenant_id", "user_token"),
    Index(None, "tenant_id", "correlation_id"),
    Index(None, "expires_at"),
)

liveness_failures = Table(
    "liveness_failures",
    metadata,
    Column("tenant_id", Identifier, ForeignKey("tenants.tenant_id"), primary_key=True),
    Column("name_digest", LargeBinary, primary_key=True),
    Column("recent", Text, nullable=False),
    Column("locks", Integer, nullable=False),
    Column("locked_until", UtcTime, nullable=True),
    Column("changed_at", UtcTime, nullable=False),
)
