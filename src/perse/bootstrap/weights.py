"""Which networks this data folder uses, fetched and verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final

from perse.auth.api_keys import utc_now
from perse.bootstrap.local_points import cards_with, local_points_of, pack_with
from perse.bootstrap.similarity import scale_of, surely_of
from perse.errors import CatalogInvalid
from perse.pipelines.moving import is_over
from perse.settings import Settings
from perse.weights.cards import ModelCard, Pack, Role
from perse.weights.catalogue import Catalog, load_catalog
from perse.weights.files import Digest, Progress, sha256_of
from perse.weights.packs import PackChoice, choose_pack, record_pack, recorded_pack
from perse.weights.store import WeightStore, obtain_all

_MADE_TEMPLATES: Final[tuple[Role, ...]] = ("face_detector", "face_embedder")


@dataclass(frozen=True, slots=True)
class PackOnDisk:
    """A pack whose every file is here and verified. ``digests``: SHA-256 of each, which is compared
    again with the bytes that are run. ``local_points``: ids of the operating points
    of this installation that stand in the place of the catalogue's, by kind. ``previous``: of the
    pack whose users are being moved, its embedder of faces and the detector before it."""

    pack: Pack
    choice: PackChoice
    cards: Mapping[Role, ModelCard]
    paths: Mapping[Role, Path]
    digests: Mapping[Role, str]
    local_points: Mapping[str, str] = field(default_factory=dict)
    previous: PackOnDisk | None = None

    def card(self, role: Role) -> ModelCard:
        """The network of that role. Raises CatalogInvalid where the pack has none."""
        if role not in self.cards:
            pack = self.pack.name
            raise CatalogInvalid(f"the pack {pack} has no {role}: name one in [packs.{pack}.roles]")
        return self.cards[role]


def open_store(
    settings: Settings, progress: Progress | None = None, digest: Digest = sha256_of
) -> WeightStore:
    """The weights in the data folder."""
    return WeightStore(
        settings.data_dir / "weights",
        mirror=settings.model_mirror,
        offline=settings.offline,
        progress=progress,
        int8=partial(_in_int8, settings),
        digest=digest,
    )


def _in_int8(settings: Settings) -> bool:
    if settings.int8 == "off":
        return False
    # Loaded only when a network could run in integers: the runtime delays a start noticeably.
    from perse.networks.exact_integers import integers_are_exact  # noqa: PLC0415

    return integers_are_exact()


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
    choice = chosen_pack(settings, catalog)
    previous = previous_pack(settings, catalog, choice)

    def on_disk(pack: Pack) -> PackOnDisk:
        return _on_disk(settings, store, choice, pack, catalog)

    obtained = replace(
        on_disk(catalog.pack(choice.name)), previous=on_disk(previous) if previous else None
    )
    if obtained.previous:
        _check_measured(obtained, obtained.previous)
    record_pack(settings.data_dir, catalog, choice)
    return obtained


def _check_measured(in_use: PackOnDisk, previous: PackOnDisk) -> None:
    """A folder changes hands only for networks that can do it."""
    scale_of(in_use.card("face_embedder"))
    surely_of(previous.card("face_embedder"))


def chosen_pack(settings: Settings, catalog: Catalog) -> PackChoice:
    """What the settings and the data folder's record say. Raises PackMismatch, CatalogInvalid."""
    recorded = recorded_pack(settings.data_dir)
    return choose_pack(catalog, settings.pack, recorded, previous=settings.previous_pack)


def needed_networks(settings: Settings, catalog: Catalog) -> Sequence[ModelCard]:
    """What a server would open: the networks of the pack in use, and those of the previous one.
    Raises PackMismatch, CatalogInvalid."""
    choice = chosen_pack(settings, catalog)
    previous = previous_pack(settings, catalog, choice)
    packs = [catalog.pack(choice.name), *([previous] if previous else [])]
    names = dict.fromkeys(name for pack in packs for name in pack.roles.values())
    return [catalog.card(name) for name in names]


def previous_pack(settings: Settings, catalog: Catalog, choice: PackChoice) -> Pack | None:
    """The pack whose users are being moved, with the networks that are needed for it.

    None without such a pack, and when its last day is over. Raises CatalogInvalid when it compares
    no faces.
    """
    if choice.previous is None or is_over(settings.previous_pack_until, utc_now()):
        return None
    pack = catalog.pack(choice.previous)
    roles = {role: name for role, name in pack.roles.items() if role in _MADE_TEMPLATES}
    if len(roles) < len(_MADE_TEMPLATES):
        raise CatalogInvalid(f"the previous pack {pack.name} compares no faces: name another one")
    return replace(pack, roles=roles)


def _on_disk(
    settings: Settings, store: WeightStore, choice: PackChoice, pack: Pack, catalog: Catalog
) -> PackOnDisk:
    cards = {role: catalog.card(name) for role, name in pack.roles.items()}
    paths = obtain_all(cards, store)
    digests = {role: store.digest(card) for role, card in cards.items()}
    local = local_points_of(settings.data_dir, cards)
    ids: dict[str, str] = {kind: points.id for kind, points in local.items()}
    return PackOnDisk(pack_with(pack, local), choice, cards_with(cards, local), paths, digests, ids)
