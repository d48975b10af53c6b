"""From a network's card to its published file: the mirror first, then the sources it names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from perse.errors import WeightsCorrupt, WeightsUnavailable
from perse.files import settle
from perse.weights.cards import ModelCard, PackageSource, UrlSource
from perse.weights.files import Piece, Progress, home_expanded
from perse.weights.package_index import PackageIndexes, configured_indexes
from perse.weights.suppliers import (
    AddressSupplier,
    ArchiveSupplier,
    FolderSupplier,
    IndexSupplier,
    RenamedSupplier,
    Supplier,
    WebFolderSupplier,
)

_OFFLINE: Final = "perse is told to stay offline, and has no folder to look in"


@dataclass(frozen=True)
class Origins:
    """``mirror``: a folder or an http(s) address that is asked first. ``offline``: nothing but
    folders of this machine is asked at all. ``progress`` hears which place each file comes from."""

    mirror: str | None
    offline: bool
    progress: Progress

    def fetch(self, card: ModelCard, target: Path) -> None:
        """Put the card's published file, verified, where ``target`` says.

        A source with another file of that name is passed over, for the SHA-256 decides; a mirror,
        which somebody chose, is not. Raises WeightsUnavailable when no place has the file,
        WeightsCorrupt when the mirror or the only sources that answered have another one.
        """
        piece = Piece(card.file, card.sha256, card.size_bytes)
        part = target.with_name(f"{target.name}.part")
        problems: list[WeightsUnavailable | WeightsCorrupt] = []
        for supplier, chosen in self._suppliers(card):
            try:
                supplier.bring(piece, part, self._telling(supplier.place))
            except WeightsUnavailable as problem:
                problems.append(problem)
            except WeightsCorrupt as problem:
                if chosen:
                    raise
                problems.append(problem)
            else:
                return settle(part, target)
        wrong = any(isinstance(problem, WeightsCorrupt) for problem in problems)
        advice = self._advice(card, [problem.message for problem in problems])
        raise WeightsCorrupt(advice) if wrong else WeightsUnavailable(advice)

    def _telling(self, place: str) -> Progress:
        return lambda done, total, name: self.progress(done, total, f"{name} from {place}")

    def _suppliers(self, card: ModelCard) -> Iterator[tuple[Supplier, bool]]:
        """Each with whether somebody chose it."""
        mirror = self._mirror()
        if mirror is not None:
            for supplier in _ways_into(mirror, card):
                yield supplier, True
        if self.offline:
            return
        for source in card.sources:
            if isinstance(source, UrlSource):
                yield AddressSupplier(source.url), False
            elif isinstance(source, PackageSource):
                yield IndexSupplier(source, lambda: self._indexes), False

    @cached_property
    def _indexes(self) -> PackageIndexes:
        return configured_indexes()

    def _mirror(self) -> Supplier | None:
        if not self.mirror:
            return None
        if self.mirror.startswith(("http://", "https://")):
            return None if self.offline else WebFolderSupplier(self.mirror)
        return FolderSupplier(home_expanded(self.mirror))

    def _advice(self, card: ModelCard, problems: list[str]) -> str:
        why = "; ".join(dict.fromkeys(problems)) or _OFFLINE
        return (
            f"the network {card.name} is not here and cannot be fetched ({why}): run `perse models "
            f"fetch` where its origin can be reached, or set PERSE_MODEL_MIRROR to a folder or "
            f"address that has {card.file}"
        )


def _ways_into(folder: Supplier, card: ModelCard) -> Iterator[Supplier]:
    """The file by its own name, by its path inside a package, or the package as a whole."""
    yield folder
    for source in card.sources:
        if isinstance(source, PackageSource):
            yield RenamedSupplier(folder, source.member)
            yield ArchiveSupplier(folder, source)
