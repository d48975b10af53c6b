"""What API keys may do. Keys that were made before may do all, which is NULL."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:  # noqa: D103 - Alembic calls it
    op.add_column("api_keys", sa.Column("permissions", sa.Text, nullable=True))
