"""Sealed references, the consent ledger, receipts, throttling."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:  # noqa: D103 - Alembic calls it
    op.add_column(
        "tenants", sa.Column("revision", sa.BigInteger, nullable=False, server_default="0")
    )
    op.add_column(
        "tenants", sa.Column("references_held", sa.BigInteger, nullable=False, server_default="0")
    )
    _references()
    _templates()
    _changes()
    _ledger()
    _receipts()
    _server()


def _references() -> None:
    op.create_table(
        "biometric_references",
        sa.Column("reference_id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("user_token", sa.String(64), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("quality", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("failures_in_row", sa.Integer, nullable=False, server_default="0"),
        sa.Column("failures_total", sa.Integer, nullable=False, server_default="0"),
        sa.Column("blocked_until", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("reference_id", name="pk_biometric_references"),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.tenant_id"], name="fk_biometric_references_tenant_id_tenants"
        ),
        sa.UniqueConstraint(
            "tenant_id", "user_token", name="uq_biometric_references_tenant_id_user_token"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_biometric_references_tenant_id_reference_id",
        "biometric_references",
        ["tenant_id", "reference_id"],
    )
    op.create_index("ix_biometric_references_updated_at", "biometric_references", ["updated_at"])


def _templates() -> None:
    op.create_table(
        "sealed_templates",
        sa.Column("reference_id", _SERIAL, autoincrement=False, nullable=False),
        sa.Column("key_generation", sa.Integer, nullable=False),
        sa.Column("envelope", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("reference_id", name="pk_sealed_templates"),
        sa.ForeignKeyConstraint(
            ["reference_id"],
            ["biometric_references.reference_id"],
            name="fk_sealed_templates_reference_id_biometric_references",
        ),
    )


def _changes() -> None:
    op.create_table(
        "reference_changes",
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("revision", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("user_token", sa.String(64), nullable=False),
        sa.Column("removed", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "revision", name="pk_reference_changes"),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.tenant_id"], name="fk_reference_changes_tenant_id_tenants"
        ),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("key_digest", sa.LargeBinary, nullable=False),
        sa.Column("request_digest", sa.LargeBinary, nullable=False),
        sa.Column("user_token", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "key_digest", name="pk_idempotency_keys"),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.tenant_id"], name="fk_idempotency_keys_tenant_id_tenants"
        ),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])


def _ledger() -> None:
    op.create_table(
        "ledger_entries",
        sa.Column("seq", _SERIAL, autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(64), nullable=True),
        sa.Column("operation", sa.String(40), nullable=False),
        sa.Column("declaration", sa.String(20), nullable=False),
        sa.Column("user_token", sa.String(64), nullable=True),
        sa.Column("purpose", sa.Text, nullable=True),
        sa.Column("previous", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_ledger_entries"),
    )
    op.create_index(
        "ix_ledger_entries_tenant_id_user_token", "ledger_entries", ["tenant_id", "user_token"]
    )
    head = op.create_table(
        "ledger_head",
        sa.Column("ledger", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("ledger", name="pk_ledger_head"),
    )
    op.bulk_insert(head, [{"ledger": 1, "seq": 0, "hash": bytes(32)}])


def _receipts() -> None:
    op.create_table(
        "receipts",
        sa.Column("receipt_id", sa.String(64), nullable=False),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("event", sa.String(40), nullable=False),
        sa.Column("subject_sha256", sa.String(64), nullable=False),
        sa.Column("issued_at", sa.BigInteger, nullable=False),
        sa.Column("jws", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("receipt_id", name="pk_receipts"),
    )
    op.create_index("ix_receipts_tenant_id_issued_at", "receipts", ["tenant_id", "issued_at"])
    op.create_index("ix_receipts_subject_sha256", "receipts", ["subject_sha256"])


def _server() -> None:
    op.create_table(
        "tenant_keys",
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("generation", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("master_key_id", sa.String(32), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "generation", name="pk_tenant_keys"),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.tenant_id"], name="fk_tenant_keys_tenant_id_tenants"
        ),
    )
    op.create_table(
        "server_secrets",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("master_key_id", sa.String(32), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_server_secrets"),
    )
    op.create_table(
        "rate_buckets",
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("tokens", sa.Float, nullable=False),
        sa.Column("refilled_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key_id", name="pk_rate_buckets"),
    )
