"""Failed comparisons in a row by modality, and subjects in the order of their making."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:  # noqa: D103 - Alembic calls it
    op.add_column(
        "subjects",
        sa.Column("voice_failures_in_row", sa.Integer, nullable=False, server_default="0"),
    )
    op.create_index(
        "ix_subjects_tenant_id_created_at_user_token",
        "subjects",
        ["tenant_id", "created_at", "user_token"],
    )
