"""The database's schema, for operators."""

from __future__ import annotations

from dataclasses import dataclass

from perse.settings import Settings
from perse.storage.database import open_database
from perse.storage.migrating import SchemaStatus, schema_status, upgrade_schema


@dataclass(frozen=True, slots=True)
class DatabaseStatus:
    """``kind``: sqlite or postgresql."""

    kind: str
    schema: SchemaStatus


def database_status(settings: Settings) -> DatabaseStatus:
    """Raises StorageTooNew or StorageUnavailable."""
    database = open_database(settings.effective_database_url)
    try:
        return DatabaseStatus(database.engine.dialect.name, schema_status(database))
    finally:
        database.close()


def upgrade_database(settings: Settings) -> DatabaseStatus:
    """Apply what is pending; the status before."""
    database = open_database(settings.effective_database_url)
    try:
        return DatabaseStatus(database.engine.dialect.name, upgrade_schema(database))
    finally:
        database.close()
