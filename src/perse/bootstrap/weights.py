"""Which networks this data folder uses, fetched and verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from perse.bootstrap.local_points import cards_with, local_points_of, pack_with
from perse.models.cards import ModelCard, Pack, Role
from perse.models.catalog import Catalog, load_catalog
from perse.models.packs import PackChoice, choose_pack, record_pack, recorded_pack
from perse.models.sources import WeightStore, obtain_pack
from perse.models.weight_files import Progress
from perse.settings import Settings


@dataclass(frozen=True, slots=True)
class PackOnDisk:
    """A pack whose every file is here and verified. ``digests``: SHA-256 of each, which is compared
    again with the bytes that are run. ``local_points``: ids of the operating points
    of this installation that stand in the place of the catalogue's, by kind."""

    pack: Pack
    choice: PackChoice
    cards: Mapping[Role, ModelCard]
    paths: Mapping[Role, Path]
    digests: Mapping[Role, str]
    local_points: Mapping[str, str] = field(default_factory=dict)


def open_store(settings: Settings, progress: Progress | None = None) -> WeightStore:
    """The weights in the data folder."""
    return WeightStore(
        settings.data_dir / "weights",
        mirror=settings.model_mirror,
        offline=settings.offline,
        progress=progress,
    )


def open_catalog(settings: Settings) -> Catalog:
    """The shipped catalogue and the user's own."""
    return load_catalog(settings.catalog)


def obtain_networks(settings: Settings, progress: Progress | None = None) -> PackOnDisk:
    """Choose the pack, fetch what is missing and record the choice in the data folder.

    Operating points of this installation replace the catalogue's. Raises PackMismatch,
    WeightsUnavailable, WeightsCorrupt, CatalogInvalid or SettingsInvalid.
    """
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    catalog, store = open_catalog(settings), open_store(settings, progress)
    choice = choose_pack(catalog, settings.pack, recorded_pack(settings.data_dir))
    paths = obtain_pack(catalog, choice.name, store)
    digests = {role: store.digest(card) for role, card in catalog.cards_of(choice.name).items()}
    record_pack(settings.data_dir, catalog, choice)
    pack, cards = catalog.pack(choice.name), catalog.cards_of(choice.name)
    local = local_points_of(settings.data_dir, cards)
    ids: dict[str, str] = {kind: points.id for kind, points in local.items()}
    return PackOnDisk(pack_with(pack, local), choice, cards_with(cards, local), paths, digests, ids)
