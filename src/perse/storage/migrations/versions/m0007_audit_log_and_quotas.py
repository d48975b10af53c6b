"""The audit log of administrative acts, and quotas of tenants."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:  # noqa: D103 - Alembic calls it
    _audit_log()
    _quotas()


def _audit_log() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("seq", _SERIAL, autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor_kind", sa.String(20), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("act", sa.String(40), nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("tenant_id", sa.String(64), nullable=True),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(40), nullable=False),
        sa.Column("previous", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit_entries"),
    )
    op.create_index("ix_audit_entries_tenant_id_seq", "audit_entries", ["tenant_id", "seq"])
    op.create_index("ix_audit_entries_act_seq", "audit_entries", ["act", "seq"])
    head = op.create_table(
        "audit_head",
        sa.Column("log", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("log", name="pk_audit_head"),
    )
    op.bulk_insert(head, [{"log": 1, "seq": 0, "hash": bytes(32)}])


def _quotas() -> None:
    op.create_table(
        "quotas",
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("quota", sa.String(40), nullable=False),
        sa.Column("most", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "quota", name="pk_quotas"),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.tenant_id"], name="fk_quotas_tenant_id_tenants"
        ),
    )
    op.create_table(
        "quota_use",
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("quota", sa.String(40), nullable=False),
        sa.Column("begins_at", sa.BigInteger, nullable=False),
        sa.Column("used", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "quota", name="pk_quota_use"),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.tenant_id"], name="fk_quota_use_tenant_id_tenants"
        ),
    )
