"""The tables of quotas; those of everything else are in ``schema.py``."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, String, Table

from perse.storage.schema import Identifier, UtcTime, metadata

quotas = Table(
    "quotas",
    metadata,
    Column("tenant_id", Identifier, ForeignKey("tenants.tenant_id"), primary_key=True),
    Column("quota", String(40), primary_key=True),
    Column("most", BigInteger, nullable=False),
)

quota_use = Table(
    "quota_use",
    metadata,
    Column("tenant_id", Identifier, ForeignKey("tenants.tenant_id"), primary_key=True),
    Column("quota", String(40), primary_key=True),
    Column("begins_at", UtcTime, nullable=False),
    Column("used", BigInteger, nullable=False),
)
