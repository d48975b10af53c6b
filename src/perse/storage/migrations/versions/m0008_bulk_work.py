"""What became of the items of bulk work, and its sealed outcomes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:  # noqa: D103 - Alembic calls it
    _keys()
    _outcomes()


def _keys() -> None:
    op.create_table(
        "bulk_keys",
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("key_digest", sa.LargeBinary, nullable=False),
        sa.Column("request_digest", sa.LargeBinary, nullable=False),
        sa.Column("user_token", sa.String(64), nullable=False),
        sa.Column("sample_id", sa.String(64), nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "key_digest", name="pk_bulk_keys"),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.tenant_id"], name="fk_bulk_keys_tenant_id_tenants"
        ),
    )
    op.create_index("ix_bulk_keys_tenant_id_user_token", "bulk_keys", ["tenant_id", "user_token"])


def _outcomes() -> None:
    op.create_table(
        "bulk_outcomes",
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("content_digest", sa.LargeBinary, nullable=False),
        sa.Column("key_generation", sa.Integer, nullable=False),
        sa.Column("envelope", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "content_digest", name="pk_bulk_outcomes"),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.tenant_id"], name="fk_bulk_outcomes_tenant_id_tenants"
        ),
    )
