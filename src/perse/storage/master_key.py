"""The master key: where it comes from, and what it wraps.

A source gives text: one or more keys of 32 bytes in base64, one a line (or separated by commas);
the first wraps, the others only open what they wrapped before. Lines that begin with # are notes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import shlex
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence

from perse.errors import MasterKeyUnusable
from perse.storage.sealing import KEY_BYTES, seal, unseal

MasterKeySource = Callable[[], str]
_COMMAND_TIMEOUT_S = 30
HELP = (
    "perse keeps templates sealed and needs the key they were sealed with: PERSE_MASTER_KEY_FILE "
    "(a file of mode 0600), PERSE_MASTER_KEY, or PERSE_MASTER_KEY_COMMAND (prints it)"
)


class MasterKeys:
    """The keys of a source, read again when a key is met that is not among them."""

    def __init__(self, source: MasterKeySource) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._keys = _parse(source())

    @property
    def first_id(self) -> str:
        """The id of the key that is to wrap everything after the next rotation."""
        return self.ids[0]

    @property
    def ids(self) -> Sequence[str]:
        """Of all keys that the source gave, in its order."""
        return tuple(self._keys)

    def wrap(self, secret: bytes, *bound_to: str, key_id: str) -> bytes:
        """Raises MasterKeyUnusable without that key."""
        return seal(self._key(key_id), secret, *bound_to, key_id)

    def unwrap(self, wrapped: bytes, *bound_to: str, key_id: str) -> bytes:
        """Raises MasterKeyUnusable without that key, StorageDamaged for changed content."""
        return unseal(self._key(key_id), wrapped, *bound_to, key_id)

    def refresh(self) -> None:
        """Read the source again."""
        with self._lock:
            self._keys = _parse(self._source())

    def _key(self, key_id: str) -> bytes:
        key = self._keys.get(key_id) or self._read_again(key_id)
        if key is None:
            raise MasterKeyUnusable(
                f"this database is sealed with master key {key_id}, and what is given is "
                f"{', '.join(self.ids)}: give that key, too. After a rotation on another machine "
                f"that is its key file, for a restored backup the key of that time. {HELP}"
            )
        return key

    def _read_again(self, key_id: str) -> bytes | None:
        """Many requests may miss a new key at the same moment: the first reads it for all."""
        with self._lock:
            if key_id not in self._keys:
                self._keys = _parse(self._source())
            return self._keys.get(key_id)

    def __repr__(self) -> str:
        return f"MasterKeys({', '.join(self._keys)})"


def master_key_id(key: bytes) -> str:
    """What names a master key in public: 8 bytes of a hash that is used for nothing else."""
    return hashlib.sha256(b"perse master key id" + key).hexdigest()[:16]


def key_text(keys: Sequence[bytes]) -> str:
    """What a source gives for ``keys``, the first of which wraps."""
    return "".join(base64.b64encode(key).decode() + "\n" for key in keys)


def parse_keys(text: str) -> tuple[bytes, ...]:
    """Raises MasterKeyUnusable; the text is not repeated."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    try:
        keys = tuple(
            base64.b64decode(part, validate=True)
            for part in " ".join(lines).replace(",", " ").split()
        )
    except binascii.Error:
        keys = ()
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise MasterKeyUnusable(
            "the master key is no good: it must be 32 bytes in base64, as printed by "
            "`openssl rand -base64 32`; several are separated by line ends or commas"
        )
    return keys


def _parse(text: str) -> Mapping[str, bytes]:
    return {master_key_id(key): key for key in parse_keys(text)}


# --- sources -------------------------------------------------------------------------------------


def from_text(text: str) -> MasterKeySource:
    """Keys given as they are, by a setting."""
    return lambda: text


def from_command(command: str) -> MasterKeySource:
    """Keys printed by a program, such as the client of a key management service."""

    def read() -> str:
        try:
            done = subprocess.run(
                shlex.split(command),
                stdout=subprocess.PIPE,
                stdin=subprocess.DEVNULL,
                text=True,
                timeout=_COMMAND_TIMEOUT_S,
                check=True,
            )
        except (OSError, ValueError, subprocess.SubprocessError) as problem:
            raise MasterKeyUnusable(
                f"PERSE_MASTER_KEY_COMMAND did not give a key ({type(problem).__name__}). {HELP}"
            ) from None
        return done.stdout

    return read
