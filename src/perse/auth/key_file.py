"""The signing keys of one installation, in a file that only its owner may read."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from perse.auth.signing_keys import SigningKey, SigningKeys, parse_signing_keys
from perse.errors import SettingsInvalid

_OWNER_ONLY = 0o600


@dataclass(frozen=True, slots=True)
class SigningKeyFile:
    """A JWK set in the data folder."""

    path: Path

    def open(self) -> SigningKeys:
        """The keys of the file, made at the first call.

        Raises SettingsInvalid when others may read the file or it holds no keys.
        """
        if not self.path.exists():
            self._create(SigningKeys((SigningKey.generate(),)))
        if stat.S_IMODE(self.path.stat().st_mode) & 0o077:
            raise SettingsInvalid(
                f"{self.path} may be read by others, who could sign tokens: "
                f"run chmod 600 {self.path}, or delete it to have new keys made"
            )
        return parse_signing_keys(self.path.read_text("ascii"))

    def rotate(self) -> SigningKeys:
        """Put a fresh key first. Tokens of the old keys stay valid until they expire."""
        rotated = self.open().rotated()
        self._written(rotated).replace(self.path)
        return rotated

    def _create(self, keys: SigningKeys) -> None:
        fresh = self._written(keys)
        try:
            os.link(fresh, self.path)
        except FileExistsError:
            return  # another process was first: its keys are the installation's
        finally:
            fresh.unlink()

    def _written(self, keys: SigningKeys) -> Path:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self.path.with_name(f".{self.path.name}.{uuid4().hex}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            json.dump(keys.private_jwks(), file)
            file.flush()
            os.fsync(file.fileno())
        return fresh
