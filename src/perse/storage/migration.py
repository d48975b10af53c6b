"""Bring a database to the schema of this version, one process at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from perse.errors import StorageTooNew
from perse.storage.database import Database

_MIGRATIONS = Path(__file__).parent / "migrations"
# Any number, as long as no other program locks the same one in this database.
_ADVISORY_LOCK = 0x50657273_6530


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """``current``: None for an empty database; ``pending``: the steps still to do, in order."""

    current: str | None
    newest: str
    pending: tuple[str, ...]


@contextmanager
def schema_lock(database: Database) -> Iterator[sa.Connection]:
    """A transaction that every other process's start waits for."""
    with database.write_at_leisure() as connection:
        if not database.is_sqlite:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
        yield connection


def upgrade_schema(database: Database) -> SchemaStatus:
    """Apply what is pending; a failure half way leaves everything as it was.

    Returns the status found. Raises StorageTooNew for a database of a newer version.
    """
    with schema_lock(database) as connection:
        status = _status(connection)
        if status.pending:
            command.upgrade(_configuration(connection), "head")
        return status


def schema_status(database: Database) -> SchemaStatus:
    """What ``upgrade_schema`` would find. Raises StorageTooNew."""
    with database.read() as connection:
        return _status(connection)


def _configuration(connection: sa.Connection | None = None) -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    configuration.attributes["connection"] = connection
    return configuration


def _status(connection: sa.Connection) -> SchemaStatus:
    history = ScriptDirectory.from_config(_configuration())
    steps = [script.revision for script in reversed(list(history.walk_revisions()))]
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in steps:
        raise StorageTooNew(
            f"the database has schema {current}, which this version does not know "
            f"(its newest is {steps[-1]}): run the version of perse that made it, or a newer one"
        )
    done = steps.index(current) + 1 if current else 0
    return SchemaStatus(current, steps[-1], tuple(steps[done:]))
