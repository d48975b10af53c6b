"""Where a source's files are: on this machine's disks, or wherever fsspec finds them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from perse.errors import FileTooLarge, InvalidParameter

_SCHEME = "://"
# A picture or recording that is larger is none.
LARGEST_FILE_BYTES = 100_000_000


def is_url(address: str) -> bool:
    """Whether fsspec has to find it: no path of this machine's own."""
    return _SCHEME in address


def absolute(address: str) -> str:
    """The same for a worker elsewhere, to whom no folder is the current one."""
    return address.rstrip("/") if is_url(address) else str(Path(address).absolute())


def beside(listing: str, file: str) -> str:
    """The address of a file that a list names: from the list's folder on, if by no whole one."""
    if is_url(file):
        return file
    if is_url(listing):
        return f"{listing.rpartition('/')[0]}/{file}"
    return str(Path(listing).parent / file)


def is_folder(address: str) -> bool:
    """Raises InvalidParameter for what is nowhere."""
    if not is_url(address):
        if not Path(address).exists():
            raise InvalidParameter(f"{address} is not there")
        return Path(address).is_dir()
    system, place = _found(address)
    with _told(address):
        if not system.exists(place):
            raise InvalidParameter(f"{address} is not there")
        return bool(system.isdir(place))


def files_below(root: str) -> Iterator[tuple[str, str]]:
    """The name below ``root``, parted by /, and the address of every file that is not hidden, in
    the order of an evaluation's files."""
    for name, address in sorted(_below(root), key=lambda found: found[0].split("/")):
        if not any(part.startswith(".") for part in name.split("/")):
            yield name, address


def _below(root: str) -> Iterator[tuple[str, str]]:
    if not is_url(root):
        for path in Path(root).rglob("*"):
            if path.is_file():
                yield path.relative_to(root).as_posix(), str(path)
        return
    system, top = _found(root)
    with _told(root):
        for path in system.find(top):
            name = path.removeprefix(top.rstrip("/")).lstrip("/")
            yield name, system.unstrip_protocol(path)


@contextmanager
def opened(address: str) -> Iterator[IO[bytes]]:
    """The file's bytes. Raises InvalidParameter for what fsspec cannot open, OSError."""
    if not is_url(address):
        with Path(address).open("rb") as file:
            yield file
        return
    system, path = _found(address)
    with _told(address), system.open(path, "rb") as file:
        yield file


def read(address: str, *, most_bytes: int) -> bytes:
    """A file's content. Raises OSError, FileTooLarge, InvalidParameter."""
    with opened(address) as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise FileTooLarge(f"the file is larger than {most_bytes:,} bytes")
    return content


def _found(address: str) -> tuple[Any, str]:
    """The file system and the path in it."""
    try:
        from fsspec.core import url_to_fs  # noqa: PLC0415 - an optional extra
    except ImportError:
        raise InvalidParameter(
            f"{address}: addresses need the extra perse[cluster]: pip install 'perse[cluster]'"
        ) from None
    try:
        system, path = url_to_fs(address)
    except (ImportError, ValueError) as problem:  # ImportError: such as s3fs, which is not here
        raise InvalidParameter(f"{address} cannot be opened: {problem}") from None
    return system, path


@contextmanager
def _told(address: str) -> Iterator[None]:
    """Whatever a file system of others' raises is an OSError, or our own."""
    try:
        yield
    except (OSError, InvalidParameter):
        raise
    except Exception as problem:
        raise OSError(5, f"{type(problem).__name__} of the file system", address) from None
