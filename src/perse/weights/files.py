"""Weight files on disk: what they are pinned by, and that they are what was pinned."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Protocol

from perse.errors import WeightsCorrupt

CHUNK_BYTES: Final = 1 << 20

Progress = Callable[[int, int, str], None]
"""Called with bytes done, bytes in all and the name of the file on its way."""


def silent(_done: int, _total: int, _name: str) -> None:
    """A Progress that tells nobody."""


class Sized(Protocol):
    """Something of a name and a known size."""

    @property
    def name(self) -> str: ...

    @property
    def size_bytes(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Piece:
    """A file that the catalogue pins: its name, SHA-256 and size."""

    name: str
    sha256: str
    size_bytes: int


def home_expanded(name: str) -> Path:
    """``name`` with ~ for the home folder; as it stands where there is no such home."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def sha256_of(path: Path) -> str:
    """Hex digest of the file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


Digest = Callable[[Path], str]
"""``sha256_of``, or something that says the same."""


class KnownDigests:
    """Digests of files, each read again once it may have changed: by what the system notes of a
    file, which nobody writes without changing it. Satisfies Digest; safe to share between threads.

    One that changed within ``settled_s`` is read again the next time: two changes may have one
    time. ``now_s``: the clock of the files' times. ``reads`` counts them.
    """

    def __init__(self, now_s: Callable[[], float] = time.time, settled_s: float = 2.0) -> None:
        self._now_s, self._settled_s = now_s, settled_s
        self._known: dict[Path, tuple[tuple[int, ...], str]] = {}
        self.reads = 0

    def __call__(self, path: Path) -> str:
        told = path.stat()
        mark = told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns
        known = self._known.get(path)
        if known and known[0] == mark:
            return known[1]
        digest = sha256_of(path)
        self.reads += 1
        if self._now_s() - max(told.st_mtime, told.st_ctime) > self._settled_s:
            self._known[path] = mark, digest
        return digest


def holds(path: Path, piece: Piece, digest: Digest = sha256_of) -> bool:
    """Whether the file at ``path`` is exactly ``piece``."""
    return path.stat().st_size == piece.size_bytes and digest(path) == piece.sha256


def pour(source: IO[bytes], target: IO[bytes], piece: Piece, progress: Progress) -> None:
    """Copy to the end of ``source``. Raises WeightsCorrupt when it is longer than ``piece``."""
    done = target.tell()
    while chunk := source.read(CHUNK_BYTES):
        done += len(chunk)
        refuse_longer(done, piece)
        target.write(chunk)
        progress(done, piece.size_bytes, piece.name)


def refuse_longer(size_bytes: int, piece: Sized) -> None:
    """Raises WeightsCorrupt when ``size_bytes`` is more than ``piece`` has."""
    if size_bytes > piece.size_bytes:
        raise WeightsCorrupt(
            f"{piece.name} is longer than the {piece.size_bytes} bytes that the catalogue pins: "
            "it is another file, and nothing of it was kept"
        )
