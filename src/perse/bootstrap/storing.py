"""What is kept, opened with the installation's own keys."""

from __future__ import annotations

from perse.auth.receipts import JwsReceiptSigner
from perse.bootstrap.access import open_signing_keys
from perse.domain.throttling import RateLimit
from perse.settings import Settings
from perse.storage.master_key import MasterKeySource, from_command, from_text
from perse.storage.opening import MasterKeyChoice, Storage, open_storage
from perse.storage.rate_limits import SqlRateLimits


def open_sealed_storage(settings: Settings) -> Storage:
    """Raises MasterKeyUnusable, StorageUnavailable, StorageTooNew or SettingsInvalid."""
    return open_storage(
        settings.effective_database_url,
        master_key=MasterKeyChoice(settings.effective_master_key_file, _given_key(settings)),
        signer=JwsReceiptSigner(open_signing_keys(settings)),
    )


def rate_limits(settings: Settings, storage: Storage) -> SqlRateLimits | None:
    """None where no limit is set."""
    if settings.rate_limit is None:
        return None
    limit = RateLimit(per_second=settings.rate_limit, burst=settings.rate_burst)
    return SqlRateLimits(storage.database, limit)


def _given_key(settings: Settings) -> MasterKeySource | None:
    if settings.master_key is not None:
        return from_text(settings.master_key.get_secret_value())
    if settings.master_key_command is not None:
        return from_command(settings.master_key_command.get_secret_value())
    return None
