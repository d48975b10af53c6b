"""Places that a published file can come from. Each brings a *piece*: the file itself, or the
released archive that holds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from perse.errors import WeightsCorrupt, WeightsUnavailable
from perse.models.cards import PackageSource
from perse.models.downloads import NotThere, answers, download, host_of, open_client
from perse.models.package_index import PackageIndexes, locate, open_index_client
from perse.models.weight_files import Piece, Progress, holds, pour


class Supplier(Protocol):
    """One place that may have a piece."""

    def bring(self, piece: Piece, part: Path, progress: Progress) -> None:
        """Leave the piece verified in ``part``.

        Raises NotThere when this place does not have it, WeightsUnavailable when the place cannot
        be reached, WeightsCorrupt when it has another file of that name.
        """
        ...

    def obstacle(self, piece: Piece) -> str | None:
        """Why the piece could not be had from here now; None when it could."""
        ...


@dataclass(frozen=True, slots=True)
class FolderSupplier:
    """A folder that holds files by their names."""

    folder: Path

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

    def obstacle(self, piece: Piece) -> str | None:
        if (self.folder / piece.name).is_file():
            return None
        return f"{self.folder} does not have {piece.name}"


@dataclass(frozen=True, slots=True)
class AddressSupplier:
    """One file at its own address."""

    url: str

    def bring(self, piece: Piece, part: Path, progress: Progress) -> None:
        with open_client() as client:
            download(client, self.url, piece, part=part, progress=progress)

    def obstacle(self, piece: Piece) -> str | None:  # noqa: ARG002 - the address is the piece
        with open_client() as client:
            return None if answers(client, self.url) else f"{host_of(self.url)} did not answer"


@dataclass(frozen=True, slots=True)
class WebFolderSupplier:
    """An address below which files lie by their names."""

    url: str

    def bring(self, piece: Piece, part: Path, progress: Progress) -> None:
        self._at(piece).bring(piece, part, progress)

    def obstacle(self, piece: Piece) -> str | None:
        return self._at(piece).obstacle(piece)

    def _at(self, piece: Piece) -> AddressSupplier:
        return AddressSupplier(f"{self.url.rstrip('/')}/{quote(piece.name)}")


@dataclass(frozen=True, slots=True)
class IndexSupplier:
    """The package indexes that the user's pip is set up to use."""

    source: PackageSource
    indexes: Callable[[], PackageIndexes]

    def bring(self, piece: Piece, part: Path, progress: Progress) -> None:
        indexes = self.indexes()
        with open_index_client(indexes) as client:
            url = locate(self.source, indexes, client)
            download(client, url, piece, part=part, progress=progress)

    def obstacle(self, piece: Piece) -> str | None:  # noqa: ARG002 - a source has one archive
        indexes = self.indexes()
        try:
            with open_index_client(indexes) as client:
                locate(self.source, indexes, client)
        except WeightsUnavailable as problem:
            return problem.message
        return None
