"""API keys and signing keys over the installation's database and signing keys."""

from __future__ import annotations

from perse.auth.api_keys import ApiKeys
from perse.auth.key_file import SigningKeyFile
from perse.auth.signing_keys import SigningKeys, parse_signing_keys
from perse.settings import Settings
from perse.storage.api_keys import SqlKeys
from perse.storage.database import Database, open_database
from perse.storage.migrating import upgrade_schema


def open_storage(settings: Settings) -> Database:
    """The database, brought to this version's schema. Raises StorageUnavailable, StorageTooNew."""
    database = open_database(settings.effective_database_url)
    upgrade_schema(database)
    return database


def open_keys(database: Database) -> ApiKeys:
    """The API keys kept in ``database``."""
    return ApiKeys(SqlKeys(database))


def open_signing_keys(settings: Settings) -> SigningKeys:
    """From the settings, else from the data folder. Raises SettingsInvalid."""
    if settings.token_signing_keys is not None:
        return parse_signing_keys(settings.token_signing_keys.get_secret_value())
    return SigningKeyFile(settings.signing_key_file).open()
