"""What this installation keeps: the database alone, or all of it with the keys that open it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from perse.auth.api_keys import ApiKeys
from perse.auth.receipts import JwsReceiptSigner
from perse.auth.signing_keys import SigningKeys
from perse.bootstrap.actors import at_the_command_line
from perse.bootstrap.signing_keys import open_signing_keys
from perse.domain.audit import Actor, Deed
from perse.errors import MasterKeyUnusable
from perse.settings import Settings
from perse.storage.api_keys import SqlKeyList
from perse.storage.database import Database
from perse.storage.database import open_database as open_database_at
from perse.storage.master_key import MasterKeySource, from_command, from_text
from perse.storage.migration import upgrade_schema
from perse.storage.secrets import opened_with
from perse.storage.storage import MasterKeyChoice, Storage
from perse.storage.storage import open_storage as open_storage_at


def open_database(settings: Settings) -> Database:
    """The database as it is, of whatever schema. Raises StorageUnavailable, SettingsInvalid."""
    return open_database_at(settings.effective_database_url)


@contextmanager
def opened_key_list(settings: Settings) -> Iterator[SqlKeyList]:
    """The API keys as they are, in a database of this version's schema. Raises as
    ``open_database``, and StorageTooNew."""
    with open_database(settings) as database:
        upgrade_schema(database)
        yield SqlKeyList(database)


@contextmanager
def opened_keys(settings: Settings) -> Iterator[ApiKeys]:
    """The API keys to be changed, which the audit log tells: it takes the master key. Raises as
    ``open_storage``."""
    with open_storage(settings) as storage:
        yield ApiKeys(storage.keys)


@contextmanager
def recording(settings: Settings, deed: Deed) -> Iterator[None]:
    """For what the command line does outside the database: it is in the audit log when it is done,
    or failed. Raises as ``open_storage``, before anything is done."""
    with open_storage(settings) as storage, storage.journal.recording(deed):
        yield


@contextmanager
def undertaking(settings: Settings, deed: Deed) -> Iterator[Counter[str]]:
    """For what the command line does in many transactions: it is in the audit log before, and
    when it ends with what was counted. Raises as ``open_storage``, before anything is done."""
    with open_storage(settings) as storage, storage.journal.undertaking(deed) as counts:
        yield counts


def note_schema(settings: Settings) -> None:
    """Write down that the schema is another, where the master key is at hand; else whoever opens
    the database next does. Nothing is sealed for it. Raises as ``open_storage``."""
    with open_database(settings) as database, suppress(MasterKeyUnusable):
        if opened_with(database, master_key_choice(settings).open) is None:
            return
        open_storage(settings).close()


def open_storage(
    settings: Settings, signing_keys: SigningKeys | None = None, actor: Actor | None = None
) -> Storage:
    """All that is kept. ``signing_keys``: opened already; ``actor``: who acts, None = whoever is
    at the command line.

    Raises MasterKeyUnusable, StorageUnavailable, StorageTooNew or SettingsInvalid.
    """
    return open_storage_at(
        settings.effective_database_url,
        master_key=master_key_choice(settings),
        signer=JwsReceiptSigner(signing_keys or open_signing_keys(settings)),
        actor=actor or at_the_command_line(),
    )


def master_key_choice(settings: Settings) -> MasterKeyChoice:
    """Where the settings say that the master key is; nothing is read yet."""
    return MasterKeyChoice(settings.effective_master_key_file, _given_key(settings))


def _given_key(settings: Settings) -> MasterKeySource | None:
    if settings.master_key is not None:
        return from_text(settings.master_key.get_secret_value())
    if settings.master_key_command is not None:
        return from_command(settings.master_key_command.get_secret_value())
    return None
