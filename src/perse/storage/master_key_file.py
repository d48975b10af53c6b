"""The file of an installation's master keys: servers read it, rotations change it."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

from perse.errors import MasterKeyUnusable
from perse.files import ReadableByOthers, change_file, read_private
from perse.storage.master_key import HELP, key_text, master_key_id, parse_keys
from perse.storage.sealing import new_key


@dataclass(frozen=True, slots=True)
class MasterKeyFile:
    """Keys as text, the first of which wraps. Only the file's owner may read it."""

    path: Path

    def read(self) -> str:
        """The text. Raises MasterKeyUnusable."""
        try:
            return read_private(self.path).decode("ascii", errors="replace")
        except ReadableByOthers:
            raise MasterKeyUnusable(
                f"the master key file {self.path} can be read by others: chmod 600 {self.path}"
            ) from None
        except OSError as problem:
            raise MasterKeyUnusable(
                f"the master key file {self.path} cannot be read ({problem.strerror}). {HELP}"
            ) from None

    def ids(self) -> frozenset[str]:
        """Of all its keys. Raises MasterKeyUnusable."""
        return frozenset(master_key_id(key) for key in parse_keys(self.read()))

    def create(self) -> None:
        """Make it with a new key; leave the file of whoever was first alone. Raises SetupError."""
        fresh = key_text([new_key()]).encode()
        change_file(self.path, lambda before: fresh if before is None else before)

    def put_first(self, key: bytes) -> None:
        """Keep ``key`` before those that are there. Raises MasterKeyUnusable, SetupError."""
        change_file(self.path, lambda before: _text([key, *_keys(before)]))

    def drop(self, key_ids: Set[str]) -> None:
        """Take those keys out, never the last one. Raises MasterKeyUnusable, SetupError."""

        def without(before: bytes | None) -> bytes:
            kept = [key for key in _keys(before) if master_key_id(key) not in key_ids]
            if not kept:
                raise MasterKeyUnusable(f"{self.path} would hold no key any more: it is kept")
            return _text(kept)

        change_file(self.path, without)


def _keys(content: bytes | None) -> tuple[bytes, ...]:
    return parse_keys((content or b"").decode("ascii", errors="replace"))


def _text(keys: list[bytes]) -> bytes:
    return key_text(keys).encode()
