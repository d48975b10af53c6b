"""The signing keys of one installation, in a file that only its owner may read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from perse.auth.signing_keys import SigningKey, SigningKeys, parse_signing_keys
from perse.errors import SettingsInvalid
from perse.files import ReadableByOthers, change_file, read_private


@dataclass(frozen=True, slots=True)
class SigningKeyFile:
    """A JWK set in the data folder."""

    path: Path

    def open(self) -> SigningKeys:
        """The keys of the file, made at the first call.

        Raises SettingsInvalid when others may read the file or it holds no keys.
        """
        if not self.path.exists():
            change_file(self.path, _made)
        try:
            return parse_signing_keys(read_private(self.path).decode("ascii", errors="replace"))
        except ReadableByOthers:
            raise SettingsInvalid(
                f"{self.path} may be read by others, who could sign tokens: "
                f"run chmod 600 {self.path}, or delete it to have new keys made"
            ) from None
        except OSError as problem:
            raise SettingsInvalid(
                f"{self.path} cannot be read ({problem.strerror}): check its owner and mode"
            ) from None

    def rotate(self) -> SigningKeys:
        """Put a fresh key first. Tokens of the old keys stay valid until they expire."""
        change_file(self.path, _rotated)
        return self.open()


def _made(before: bytes | None) -> bytes:
    return _content(SigningKeys((SigningKey.generate(),))) if before is None else before


def _rotated(before: bytes | None) -> bytes:
    return _content(parse_signing_keys(_made(before).decode("ascii", errors="replace")).rotated())


def _content(keys: SigningKeys) -> bytes:
    return json.dumps(keys.private_jwks()).encode("ascii")
