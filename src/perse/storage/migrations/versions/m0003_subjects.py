"""Subjects with several samples, collections.

A user with one reference becomes a subject with one face. Rows keep their numbers and with them
their order; a face goes by the token of its user, which is what its seal is bound to.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:  # noqa: D103 - Alembic calls it
    _subjects()
    _templates()
    _collections()
    _changes()
    _move()
    for table in ("sealed_templates", "biometric_references", "reference_changes"):
        op.drop_table(table)


def _subjects() -> None:
    op.create_table(
        "subjects",
        sa.Column("subject_id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("user_token", sa.String(64), nullable=False),
        sa.Column("external_id", sa.String(200), nullable=True),
        sa.Column("version", sa.BigInteger, nullable=False, server_default="1"),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("failures_in_row", sa.Integer, nullable=False, server_default="0"),
        sa.Column("failures_total", sa.Integer, nullable=False, server_default="0"),
        sa.Column("blocked_until", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("subject_id", name="pk_subjects"),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.tenant_id"], name="fk_subjects_tenant_id_tenants"
        ),
        sa.UniqueConstraint("tenant_id", "user_token", name="uq_subjects_tenant_id_user_token"),
        sa.UniqueConstraint("tenant_id", "external_id", name="uq_subjects_tenant_id_external_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_subjects_tenant_id_subject_id", "subjects", ["tenant_id", "subject_id"])
    op.create_index("ix_subjects_updated_at", "subjects", ["updated_at"])


def _templates() -> None:
    op.create_table(
        "templates",
        sa.Column("template_id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("subject_id", _SERIAL, nullable=False),
        sa.Column("sample_id", sa.String(64), nullable=False),
        sa.Column("modality", sa.String(10), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("quality", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("key_generation", sa.Integer, nullable=False),
        sa.Column("envelope", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("template_id", name="pk_templates"),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["subjects.subject_id"], name="fk_templates_subject_id_subjects"
        ),
        sa.UniqueConstraint("subject_id", "sample_id", name="uq_templates_subject_id_sample_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_templates_created_at", "templates", ["created_at"])


def _collections() -> None:
    op.create_table(
        "collections",
        sa.Column("collection_id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("collection_id", name="pk_collections"),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.tenant_id"], name="fk_collections_tenant_id_tenants"
        ),
        sa.UniqueConstraint("tenant_id", "name", name="uq_collections_tenant_id_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "collection_members",
        sa.Column("collection_id", _SERIAL, autoincrement=False, nullable=False),
        sa.Column("subject_id", _SERIAL, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("collection_id", "subject_id", name="pk_collection_members"),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.collection_id"],
            name="fk_collection_members_collection_id_collections",
        ),
        sa.ForeignKeyConstraint(
            ["subject_id"],
            ["subjects.subject_id"],
            name="fk_collection_members_subject_id_subjects",
        ),
    )
    op.create_index("ix_collection_members_subject_id", "collection_members", ["subject_id"])


def _changes() -> None:
    op.create_table(
        "subject_changes",
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("revision", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("user_token", sa.String(64), nullable=False),
        sa.Column("change", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "revision", name="pk_subject_changes"),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.tenant_id"], name="fk_subject_changes_tenant_id_tenants"
        ),
    )
    op.add_column("idempotency_keys", sa.Column("sample_id", sa.String(64), nullable=True))
    op.alter_column("tenants", "references_held", new_column_name="subjects_held")
    op.add_column(
        "tenants", sa.Column("templates_held", sa.BigInteger, nullable=False, server_default="0")
    )


def _move() -> None:
    op.execute(
        "INSERT INTO subjects (subject_id, tenant_id, user_token, created_at, updated_at, "
        "failures_in_row, failures_total, blocked_until) "
        "SELECT reference_id, tenant_id, user_token, created_at, updated_at, "
        "failures_in_row, failures_total, blocked_until "
        "FROM biometric_references ORDER BY reference_id"
    )
    op.execute(
        "INSERT INTO templates (template_id, subject_id, sample_id, modality, model, quality, "
        "created_at, key_generation, envelope) "
        "SELECT reference_id, reference_id, user_token, 'face', model, quality, "
        "updated_at, key_generation, envelope "
        "FROM biometric_references JOIN sealed_templates USING (reference_id) "
        "ORDER BY reference_id"
    )
    op.execute("UPDATE tenants SET templates_held = subjects_held")
    if op.get_bind().dialect.name == "postgresql":
        for table, column in (("subjects", "subject_id"), ("templates", "template_id")):
            op.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), "  # noqa: S608
                f"coalesce((SELECT max({column}) FROM {table}), 0) + 1, false)"
            )
