"""Files that are changed whole and for good, by one writer at a time.

A reader finds the old content or the new, never a part of either; what a function here has written
is on the disk when it returns, with mode 0600.
"""

from __future__ import annotations

import errno
import glob
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from perse.errors import PerseError, SetupError

_POSIX: Final = os.name == "posix"
_NO_LINKS: Final = getattr(os, "O_NOFOLLOW", 0)
_LONGEST_WAIT_S: Final = 10


class ReadableByOthers(PermissionError):
    """A file of secrets whose mode lets others read it."""


def read_private(path: Path) -> bytes:
    """Raises ReadableByOthers unless its owner alone may read it, or another OSError."""
    with path.open("rb") as file:
        if _POSIX and os.fstat(file.fileno()).st_mode & 0o077:
            raise ReadableByOthers(f"{path} may be read by others")
        return file.read()


def write_file(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Put ``content`` in the place of whatever ``path`` was; the owner stays.

    ``durable=False``: what is lost with the machine is no loss. Raises SetupError.
    """
    with _said(path), _part(path, content) as part:
        if durable:
            settle(part, path)
        else:
            part.replace(path)


def change_file(path: Path, edit: Callable[[bytes | None], bytes]) -> None:
    """Let ``edit`` make the new content from the present one; None when there is no file.

    Other calls for the same file wait. Somebody who changes it without waiting is noticed, and
    ``edit`` is asked again: it must do nothing else. Raises SetupError, also for a link: what
    replaced it would be read by nobody who reads the file itself.
    """
    busy = SetupError(f"another process is changing {path} and does not finish: end it")
    lock = path.parent / ".locks" / f"{path.name}.lock"
    with _said(path), only_one(lock, wait_s=_LONGEST_WAIT_S, busy=busy):
        _remove_leftovers(path)
        while not _swapped(path, before := _content(path), edit(before)):
            pass


def settle(part: Path, target: Path) -> None:
    """Let the finished file ``part`` take the place of ``target``, at once and for good."""
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(target)
    _sync_folder(target.parent)


@contextmanager
def only_one(lock: Path, *, wait_s: float, busy: PerseError) -> Iterator[None]:
    """Hold ``lock`` against other threads and processes; the system frees it if we die.

    An SQLite file, because its locks are the only ones of the standard library that work alike on
    every system. Raises ``busy`` when others hold it for longer than ``wait_s``, SetupError.
    """
    with _said(lock):
        _make_lock(lock)
    with _said_by_sqlite(lock, busy):
        connection = sqlite3.connect(lock, timeout=wait_s, isolation_level=None)
    with closing(connection):
        with _said_by_sqlite(lock, busy):
            connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


@contextmanager
def _said(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise SetupError(
            f"{path} cannot be written ({problem.strerror}): check owner and mode of its folder, "
            "and the room on its disk"
        ) from None


@contextmanager
def _said_by_sqlite(lock: Path, busy: PerseError) -> Iterator[None]:
    """A full disk is nobody else's doing."""
    try:
        yield
    except sqlite3.OperationalError as problem:
        if problem.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            raise busy from None
        raise SetupError(
            f"{lock} cannot be written ({problem}): check its owner and mode, "
            "and the room on its disk"
        ) from None


def _content(path: Path) -> bytes | None:
    if path.is_symlink():
        raise SetupError(f"{path} is a link and is not written through: name the file itself")
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | _NO_LINKS), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _swapped(path: Path, before: bytes | None, after: bytes) -> bool:
    """Put ``after`` in the place of ``before``; False when that is not there any more."""
    if after == before:
        return True
    with _part(path, after) as part:
        if _content(path) != before:
            return False
        settle(part, path)
    return True


@contextmanager
def _part(path: Path, content: bytes) -> Iterator[Path]:
    """A file beside ``path``, to take its place; it is gone when the block ends."""
    _make_folder(path.parent)
    handle, name = tempfile.mkstemp(prefix=_prefix(path), suffix=".part", dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            _give_to_owner_of(part, path if path.exists() else path.parent)
            file.write(content)
        yield part
    finally:
        part.unlink(missing_ok=True)


def _prefix(path: Path) -> str:
    return f".{path.name}."


def _remove_leftovers(path: Path) -> None:
    """What a killed writer left behind may hold a key that has been destroyed since."""
    for part in path.parent.glob(f"{glob.escape(_prefix(path))}*.part"):
        part.unlink(missing_ok=True)


def _make_lock(lock: Path) -> None:
    """Never opened where it is already: closing it would end a lock that this process holds."""
    _make_folder(lock.parent)
    with suppress(FileExistsError):
        os.close(os.open(lock, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        _give_to_owner_of(lock.parent, lock.parent.parent)
        _give_to_owner_of(lock, lock.parent)
    if not os.access(lock, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _make_folder(folder: Path) -> None:
    """For its owner alone, and to be found again after a power cut."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _sync_folder(folder.parent)


def _give_to_owner_of(path: Path, other: Path) -> None:
    """What root changes must stay readable for the user that the server runs as."""
    if _POSIX and os.geteuid() == 0:
        owner = other.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def _sync_folder(folder: Path) -> None:
    if not _POSIX:  # elsewhere a folder cannot be opened, nor needs it
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
