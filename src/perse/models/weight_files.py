"""Weight files on disk: what they hash to, how one takes its place, who may write it now."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from perse.errors import WeightsCorrupt, WeightsUnavailable

CHUNK_BYTES: Final = 1 << 20
_LONGEST_WAIT_S: Final = 1800

Progress = Callable[[int, int, str], None]
"""Called with bytes done, bytes in all and the name of the file on its way."""


def silent(_done: int, _total: int, _name: str) -> None:
    """A Progress that tells nobody."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A file that the catalogue pins: its name, SHA-256 and size."""

    name: str
    sha256: str
    size_bytes: int


def sha256_of(path: Path) -> str:
    """Hex digest of the file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def holds(path: Path, piece: Piece) -> bool:
    """Whether the file at ``path`` is exactly ``piece``."""
    return path.stat().st_size == piece.size_bytes and sha256_of(path) == piece.sha256


def pour(source: IO[bytes], target: IO[bytes], piece: Piece, progress: Progress) -> None:
    """Copy to the end of ``source``. Raises WeightsCorrupt when it is longer than ``piece``."""
    done = target.tell()
    while chunk := source.read(CHUNK_BYTES):
        done += len(chunk)
        refuse_longer(done, piece)
        target.write(chunk)
        progress(done, piece.size_bytes, piece.name)


def refuse_longer(size_bytes: int, piece: Piece) -> None:
    """Raises WeightsCorrupt when ``size_bytes`` is more than ``piece`` has."""
    if size_bytes > piece.size_bytes:
        raise WeightsCorrupt(
            f"{piece.name} is longer than the {piece.size_bytes} bytes that the catalogue pins: "
            "it is another file, and nothing of it was kept"
        )


def settle(part: Path, target: Path) -> None:
    """Let the finished file ``part`` take the place of ``target``, at once and for good."""
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(target)
    if os.name == "posix":  # elsewhere a folder cannot be opened, nor needs it
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def only_one(lock: Path, *, wait_s: float = _LONGEST_WAIT_S) -> Iterator[None]:
    """Hold ``lock`` against other threads and processes; the system frees it if we die.

    An SQLite file, because its locks are the only ones of the standard library that work alike on
    every system. Raises WeightsUnavailable when others hold it for longer than ``wait_s``.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(lock, timeout=wait_s, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise WeightsUnavailable(
                f"another process is fetching weights and does not finish: end it, or remove {lock}"
            ) from error
        yield
        connection.execute("ROLLBACK")
