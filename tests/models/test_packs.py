from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from perse.errors import CatalogInvalid, PackMismatch
from perse.models.cards import ModelCard, Pack, Role
from perse.models.catalog import Catalog
from perse.models.packs import PackChoice, choose_pack, record_pack, recorded_pack
from perse.models.sources import WeightStore
from tests.models.tiny_networks import card_of

ROLES: tuple[Role, ...] = ("face_detector", "face_embedder")


def tiny_catalog(catalog: Catalog) -> Catalog:
    """The packs offline and standard with two networks of a few bytes each."""
    cards: list[ModelCard] = []
    packs: dict[str, Pack] = {}
    for pack in ("offline", "standard"):
        of_pack = [
            replace(
                card_of(f"{pack} {role}".encode(), name=f"{pack}_{role}", file=f"{pack}_{role}"),
                role=role,
            )
            for role in ROLES
        ]
        cards += of_pack
        roles = {card.role: card.name for card in of_pack}
        packs[pack] = replace(catalog.pack(pack), roles=roles)
    return Catalog(
        MappingProxyType({card.name: card for card in cards}),
        MappingProxyType({pack.name: pack for pack in packs.values()}),
    )


@pytest.fixture
def tiny(catalog: Catalog) -> Catalog:
    return tiny_catalog(catalog)


def store(folder: Path, mirror: Path | None = None) -> WeightStore:
    return WeightStore(folder, mirror=None if mirror is None else str(mirror), offline=True)


def fill(folder: Path, *packs: str) -> Path:
    folder.mkdir()
    for pack in packs:
        for role in ROLES:
            (folder / f"{pack}_{role}").write_bytes(f"{pack} {role}".encode())
    return folder


def test_auto_takes_standard_when_it_is_here(tiny: Catalog, tmp_path: Path) -> None:
    choice = choose_pack(tiny, store(fill(tmp_path / "w", "standard")), "auto", None)
    assert choice == PackChoice("standard", "the networks of standard are here or can be fetched")


def test_auto_takes_standard_when_a_mirror_has_it(tiny: Catalog, tmp_path: Path) -> None:
    mirror = fill(tmp_path / "mirror", "standard")
    assert choose_pack(tiny, store(tmp_path / "w", mirror), "auto", None).name == "standard"


def test_auto_takes_offline_otherwise_and_says_why(tiny: Catalog, tmp_path: Path) -> None:
    half = fill(tmp_path / "w", "standard")
    (half / "standard_face_embedder").unlink()
    choice = choose_pack(tiny, store(half), "auto", None)
    assert choice.name == "offline"
    assert "standard_face_embedder" in choice.reason


def test_a_damaged_file_does_not_change_the_choice(tiny: Catalog, tmp_path: Path) -> None:
    damaged = fill(tmp_path / "w", "standard")
    (damaged / "standard_face_embedder").write_bytes(b"?")
    assert choose_pack(tiny, store(damaged), "auto", None).name == "standard"


def test_what_is_asked_for_is_taken_unseen(tiny: Catalog, tmp_path: Path) -> None:
    assert choose_pack(tiny, store(tmp_path), "standard", None).name == "standard"
    with pytest.raises(CatalogInvalid, match="no pack called 'premium'"):
        choose_pack(tiny, store(tmp_path), "premium", None)


def test_a_data_folder_keeps_its_pack(tiny: Catalog, tmp_path: Path) -> None:
    assert recorded_pack(tmp_path) is None
    record_pack(tmp_path, tiny, PackChoice("offline", ""))
    recorded = recorded_pack(tmp_path)
    assert recorded is not None
    assert recorded.pack == "offline"
    for requested in ("auto", "offline"):
        choice = choose_pack(tiny, store(tmp_path), requested, recorded)
        assert choice.name == "offline"
        assert recorded.date in choice.reason
    with pytest.raises(PackMismatch, match="do not compare: start with --pack offline"):
        choose_pack(tiny, store(tmp_path), "standard", recorded)


def test_the_first_record_stays(tiny: Catalog, tmp_path: Path) -> None:
    record_pack(tmp_path, tiny, PackChoice("offline", ""))
    record_pack(tmp_path, tiny, PackChoice("standard", ""))
    recorded = recorded_pack(tmp_path)
    assert recorded is not None
    assert recorded.pack == "offline"
    assert {role: made["name"] for role, made in recorded.models.items()} == {
        "face_detector": "offline_face_detector",
        "face_embedder": "offline_face_embedder",
    }


def test_another_embedder_under_the_same_pack_is_refused(tiny: Catalog, tmp_path: Path) -> None:
    record_pack(tmp_path, tiny, PackChoice("offline", ""))
    recorded = recorded_pack(tmp_path)

    def with_other(role: Role) -> Catalog:
        name = tiny.pack("offline").roles[role]
        other = replace(tiny.card(name), sha256="0" * 64)
        return Catalog({**tiny.models, name: other}, tiny.packs)

    assert choose_pack(with_other("face_detector"), store(tmp_path), "auto", recorded)
    with pytest.raises(PackMismatch, match="another face_embedder than offline_face_embedder"):
        choose_pack(with_other("face_embedder"), store(tmp_path), "auto", recorded)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"pack": 3, "models": {}, "date": ""}'])
def test_a_record_that_cannot_be_read_stops(tmp_path: Path, content: str) -> None:
    (tmp_path / "pack.json").write_text(content)
    with pytest.raises(PackMismatch, match="cannot be read"):
        recorded_pack(tmp_path)


def test_a_record_is_readable_by_people(tiny: Catalog, tmp_path: Path) -> None:
    record_pack(tmp_path / "new" / "data", tiny, PackChoice("standard", ""))
    content = json.loads((tmp_path / "new" / "data" / "pack.json").read_text())
    assert content["pack"] == "standard"
    assert set(content["models"]) == set(ROLES)
