"""The tables of bulk work: what became of a source's items, and outcomes that wait for a report."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table

from perse.storage.schema import Identifier, UtcTime, metadata

# As idempotency_keys, but for good: a source may be gone through again a year later.
bulk_keys = Table(
    "bulk_keys",
    metadata,
    Column("tenant_id", Identifier, ForeignKey("tenants.tenant_id"), primary_key=True),
    Column("key_digest", LargeBinary, primary_key=True),
    Column("request_digest", LargeBinary, nullable=False),
    Column("user_token", Identifier, nullable=False),
    Column("sample_id", Identifier, nullable=True),
    Column("created_at", UtcTime, nullable=False),
    Index(None, "tenant_id", "user_token"),
)

bulk_outcomes = Table(
    "bulk_outcomes",
    metadata,
    Column("tenant_id", Identifier, ForeignKey("tenants.tenant_id"), primary_key=True),
    Column("content_digest", LargeBinary, primary_key=True),
    Column("key_generation", Integer, nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)
