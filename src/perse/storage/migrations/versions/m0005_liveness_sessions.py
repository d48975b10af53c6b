"""Liveness sessions, and the failures that lock a subject or a correlation id."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:  # noqa: D103 - Alembic calls it
    _sessions()
    _failures()


def _sessions() -> None:
    op.create_table(
        "liveness_sessions",
        sa.Column("session_id", sa.String(64), nullable=False),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("user_token", sa.String(64), nullable=True),
        sa.Column("on_pass", sa.String(20), nullable=True),
        sa.Column("correlation_id", sa.String(200), nullable=True),
        sa.Column("origin", sa.String(300), nullable=True),
        sa.Column("declaration", sa.String(20), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=True),
        sa.Column("ended_at", sa.BigInteger, nullable=True),
        sa.Column("outcome", sa.Text, nullable=True),
        sa.Column("verdict", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("session_id", name="pk_liveness_sessions"),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.tenant_id"], name="fk_liveness_sessions_tenant_id_tenants"
        ),
    )
    for columns in (["tenant_id", "user_token"], ["tenant_id", "correlation_id"], ["expires_at"]):
        op.create_index(f"ix_liveness_sessions_{'_'.join(columns)}", "liveness_sessions", columns)


def _failures() -> None:
    op.create_table(
        "liveness_failures",
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("name_digest", sa.LargeBinary, nullable=False),
        sa.Column("recent", sa.Text, nullable=False),
        sa.Column("locks", sa.Integer, nullable=False),
        sa.Column("locked_until", sa.BigInteger, nullable=True),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "name_digest", name="pk_liveness_failures"),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.tenant_id"], name="fk_liveness_failures_tenant_id_tenants"
        ),
    )
