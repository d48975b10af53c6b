"""The tables of the audit log; those of everything else are in ``schema.py``."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text

from perse.storage.schema import Identifier, UtcTime, metadata

audit_entries = Table(
    "audit_entries",
    metadata,
    Column(
        "seq", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False
    ),
    Column("at", UtcTime, nullable=False),
    Column("actor_kind", String(20), nullable=False),
    Column("actor", Text, nullable=False),
    Column("act", String(40), nullable=False),
    Column("target", Text, nullable=False),
    Column("tenant_id", Identifier, nullable=True),
    Column("details", Text, nullable=False),
    Column("outcome", String(40), nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Index(None, "tenant_id", "seq"),
    Index(None, "act", "seq"),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("log", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
