from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations

from perse.domain.access import ALL_PERMISSIONS
from perse.domain.references import Modality
from perse.domain.throttling import Guess
from perse.errors import SettingsInvalid, StorageTooNew
from perse.storage import migration
from perse.storage.database import Database, open_database
from perse.storage.migration import schema_status, upgrade_schema
from perse.storage.migrations.versions import m0002_enrolment as m0002
from perse.storage.schema import metadata
from tests.storage.conftest import open_at
from tests.storage.postgresql import Cluster
from tests.storage.samples import ACME, NOW, entry, reference, with_tenants


def upgrade_to(database: Database, step: str) -> None:
    with migration.schema_lock(database) as connection:
        command.upgrade(migration._configuration(connection), step)


def test_the_steps_lead_exactly_to_the_schema(url: str) -> None:
    database = open_database(url)
    found = upgrade_schema(database)
    assert (found.current, found.pending) == (
        None,
        ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008"),
    )
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    assert upgrade_schema(database).pending == ()
    database.close()


def test_a_file_of_an_older_version_keeps_what_it_holds(url: str, tmp_path: Path) -> None:
    """0001 is what servers had before there was enrolment: tenants and keys."""
    database = open_database(url)
    upgrade_to(database, "0001")
    assert schema_status(database).pending == (
        "0002",
        "0003",
        "0004",
        "0005",
        "0006",
        "0007",
        "0008",
    )
    with database.write() as connection:
        at = int(NOW.timestamp() * 1_000_000)
        connection.execute(
            sa.text("INSERT INTO tenants (tenant_id, created_at) VALUES (:tenant, :at)"),
            {"tenant": ACME, "at": at},
        )
        connection.execute(
            sa.text(
                "INSERT INTO api_keys (key_id, tenant_id, name, digest, created_at) "
                "VALUES ('k', :tenant, 'old', :digest, :at)"
            ),
            {"tenant": ACME, "digest": bytes(32), "at": at},
        )
    database.close()
    storage = open_at(url, tmp_path)
    assert [(key.name, key.permissions) for key in storage.keys.all()] == [("old", ALL_PERMISSIONS)]
    made = reference()
    storage.references.add(made, entry=entry())
    assert list(storage.reference_list.tokens(ACME)) == [made.record.user_token]
    storage.close()


def test_users_of_before_there_were_subjects_keep_face_order_and_failures(
    url: str, tmp_path: Path
) -> None:
    """0002 kept one reference a user, sealed as the face of a subject still is."""
    database, made = open_database(url), [reference(n) for n in range(3)]
    newest = open_at(url, tmp_path)
    with_tenants(newest.keys)
    for one in made:
        newest.references.add(one, entry=entry(token=one.record.user_token))
    newest.guesses.record(
        ACME, made[0].record.user_token, Guess.of(Modality.FACE, matched=False), at=NOW
    )
    newest.close()
    back_to_one_reference_a_user(database)
    storage = open_at(url, tmp_path)
    tokens = [one.record.user_token for one in made]
    assert list(storage.reference_list.tokens(ACME)) == tokens
    for one in made:
        found = storage.references.find(ACME, one.record.user_token)
        assert found.record == one.record
        np.testing.assert_array_equal(found.template.vector, one.template.vector)
    assert [storage.guesses.of(ACME, token).total for token in tokens] == [1, 0, 0]
    assert storage.subject_feed.total(ACME) == 3
    another = reference(9)
    storage.references.add(another, entry=entry(token=another.record.user_token))
    assert list(storage.reference_list.tokens(ACME)) == [*tokens, another.record.user_token]
    storage.close()
    database.close()


def back_to_one_reference_a_user(database: Database) -> None:
    """The tables of 0002 with what is held now, and the number of that schema."""
    with database.read() as connection:
        users = [row._asdict() for row in connection.execute(_USERS)]
    with database.write() as connection:
        for table in ("idempotency_keys", *_NEWER_TABLES):
            connection.execute(sa.text(f"DROP TABLE IF EXISTS {table}"))
        connection.execute(sa.text("ALTER TABLE api_keys DROP COLUMN permissions"))
        connection.execute(sa.text("ALTER TABLE tenants DROP COLUMN templates_held"))
        connection.execute(
            sa.text("ALTER TABLE tenants RENAME COLUMN subjects_held TO references_held")
        )
        context = MigrationContext.configure(connection)
        with Operations.context(context):
            m0002._references()
            m0002._templates()
            m0002._changes()
        for table in ("biometric_references", "sealed_templates"):
            columns = [column["name"] for column in sa.inspect(connection).get_columns(table)]
            rows = [{name: user[name] for name in columns} for user in users]
            connection.execute(sa.insert(sa.table(table, *map(sa.column, columns))), rows)
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0002'"))


_NEWER_TABLES = (
    "audit_entries",
    "audit_head",
    "bulk_keys",
    "bulk_outcomes",
    "quotas",
    "quota_use",
    "liveness_sessions",
    "liveness_failures",
    "collection_members",
    "templates",
    "subject_changes",
    "collections",
    "subjects",
)
_USERS = sa.text(
    "SELECT subjects.subject_id AS reference_id, tenant_id, user_token, model, quality, "
    "subjects.created_at AS created_at, updated_at, failures_in_row, failures_total, "
    "blocked_until, key_generation, envelope "
    "FROM subjects JOIN templates ON templates.subject_id = subjects.subject_id"
)


def test_a_database_of_a_newer_version_is_refused(url: str) -> None:
    database = open_database(url)
    upgrade_schema(database)
    with database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    for use in (upgrade_schema, schema_status):
        with pytest.raises(StorageTooNew, match="9999"):
            use(database)
    database.close()


def test_starts_at_the_same_time_wait_for_one_another(url: str, tmp_path: Path) -> None:
    with ThreadPoolExecutor(6) as starters:
        storages = list(starters.map(lambda _: open_at(url, tmp_path), range(6)))
    assert len({storage.ledger.key for storage in storages}) == 1
    for storage in storages:
        storage.close()


def test_a_step_that_fails_leaves_everything_as_it_was(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = open_database(url)
    upgrade_to(database, "0001")

    def upgrade_then_fail(configuration: Config, revision: str) -> None:
        original(configuration, revision)
        raise RuntimeError("power cut")

    original = command.upgrade
    monkeypatch.setattr(command, "upgrade", upgrade_then_fail)
    with pytest.raises(RuntimeError):
        upgrade_schema(database)
    assert schema_status(database).current == "0001"
    with database.read() as connection:
        assert set(sa.inspect(connection).get_table_names()) == {
            *("alembic_version", "api_keys", "tenants")
        }
    database.close()


@pytest.mark.parametrize(
    "url",
    [
        *("", "nonsense", "mysql://h/db", "sqlite://", "sqlite:///:memory:", "oracle://x"),
        *("sqlite:///f?mode=ro&uri=true", "postgresql://h:port/db", "postgresql://[::1/db"),
    ],
)
def test_other_databases_are_refused_without_repeating_the_url(url: str) -> None:
    with pytest.raises(SettingsInvalid):
        open_database(url)


def test_options_that_postgresql_does_not_know_are_refused(cluster: Cluster) -> None:
    with pytest.raises(SettingsInvalid, match="options"):
        open_database(f"{cluster.url}&nonsense=1")


def test_a_user_without_rights_is_told_which_it_needs(cluster: Cluster) -> None:
    cluster.sql("CREATE ROLE powerless LOGIN")
    database = open_database(cluster.url.replace("postgres@", "powerless@"))
    with pytest.raises(SettingsInvalid, match="CREATE and USAGE"):
        upgrade_schema(database)
    database.close()


def test_the_files_are_private(tmp_path: Path) -> None:
    open_at(f"sqlite:///{tmp_path / 'new' / 'perse.db'}", tmp_path).close()
    storage = open_at(f"sqlite:///{tmp_path / 'new' / 'perse.db'}", tmp_path)
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()}
    assert modes == {0o600}
    storage.close()
