"""The keys that sign session tokens and receipts."""

from __future__ import annotations

from perse.auth.key_file import SigningKeyFile
from perse.auth.signing_keys import SigningKeys, parse_signing_keys
from perse.settings import Settings


def open_signing_keys(settings: Settings) -> SigningKeys:
    """From the settings, else from the data folder. Raises SettingsInvalid."""
    if settings.token_signing_keys is not None:
        return parse_signing_keys(settings.token_signing_keys.get_secret_value())
    return SigningKeyFile(settings.signing_key_file).open()
