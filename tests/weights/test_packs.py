from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from perse.errors import CatalogInvalid, PackMismatch
from perse.weights.cards import ModelCard, Pack, Role
from perse.weights.catalogue import Catalog
from perse.weights.packs import PackChoice, PackRecord, choose_pack, record_pack, recorded_pack
from tests.networks.tiny_networks import card_of

ROLES: tuple[Role, ...] = ("face_detector", "face_embedder")


def tiny_catalog(catalog: Catalog) -> Catalog:
    """The packs standard and compact with two networks of a few bytes each."""
    cards: list[ModelCard] = []
    packs: dict[str, Pack] = {}
    for pack in ("standard", "compact"):
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


def test_auto_is_standard_whatever_is_here(tiny: Catalog) -> None:
    assert choose_pack(tiny, "auto", None) == PackChoice("standard", "nothing else was asked for")


def test_what_is_asked_for_is_taken(tiny: Catalog) -> None:
    assert choose_pack(tiny, "compact", None).name == "compact"
    with pytest.raises(CatalogInvalid, match="no pack called 'premium'"):
        choose_pack(tiny, "premium", None)


def recorded_in(folder: Path, catalog: Catalog, pack: str) -> PackRecord:
    record_pack(folder, catalog, PackChoice(pack, ""))
    recorded = recorded_pack(folder)
    assert recorded is not None
    return recorded


def test_a_data_folder_keeps_its_pack(tiny: Catalog, tmp_path: Path) -> None:
    assert recorded_pack(tmp_path) is None
    recorded = recorded_in(tmp_path, tiny, "compact")
    assert recorded.pack == "compact"
    for requested in ("auto", "compact"):
        choice = choose_pack(tiny, requested, recorded)
        assert choice.name == "compact"
        assert recorded.date in choice.reason
    with pytest.raises(
        PackMismatch, match=r"do not compare.*start with --pack compact, move its users .*or use"
    ):
        choose_pack(tiny, "standard", recorded)


def test_the_first_record_stays(tiny: Catalog, tmp_path: Path) -> None:
    recorded = recorded_in(tmp_path, tiny, "compact")
    with pytest.raises(PackMismatch, match="made by compact_face_embedder"):
        record_pack(tmp_path, tiny, PackChoice("standard", ""))
    assert recorded_pack(tmp_path) == recorded
    assert {role: made["name"] for role, made in recorded.models.items()} == {
        "face_detector": "compact_face_detector",
        "face_embedder": "compact_face_embedder",
    }


def with_other(catalog: Catalog, role: Role) -> Catalog:
    """The same, with another network in that role of the pack compact."""
    name = catalog.pack("compact").roles[role]
    other = replace(catalog.card(name), sha256="0" * 64)
    return Catalog({**catalog.models, name: other}, catalog.packs)


def test_another_embedder_under_the_same_pack_is_refused(tiny: Catalog, tmp_path: Path) -> None:
    recorded = recorded_in(tmp_path, tiny, "compact")
    assert choose_pack(with_other(tiny, "face_detector"), "auto", recorded)
    with pytest.raises(
        PackMismatch, match=r"made by compact_face_embedder.*go back to the earlier"
    ):
        choose_pack(with_other(tiny, "face_embedder"), "auto", recorded)


def test_a_folder_whose_pack_is_no_more_is_told_so_in_a_sentence(
    tiny: Catalog, tmp_path: Path
) -> None:
    recorded = replace(recorded_in(tmp_path, tiny, "compact"), pack="offline")
    gone = replace(recorded, models={"face_embedder": {"name": "dlib_resnet", "sha256": "1" * 64}})
    for requested in ("auto", "standard"):
        with pytest.raises(PackMismatch, match=r"offline, which is no more: .* by dlib_resnet"):
            choose_pack(tiny, requested, gone)
    with pytest.raises(CatalogInvalid, match="compact, standard"):
        choose_pack(tiny, "offline", gone)


def test_a_folder_may_go_on_with_the_pack_that_has_its_embedder(
    tiny: Catalog, tmp_path: Path
) -> None:
    recorded = replace(recorded_in(tmp_path, tiny, "compact"), pack="standard")
    with pytest.raises(PackMismatch, match="start with --pack compact"):
        choose_pack(tiny, "auto", recorded)
    assert choose_pack(tiny, "compact", recorded).name == "compact"


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


def move(folder: Path, catalog: Catalog, pack: str, previous: str | None) -> PackChoice:
    """What a start with these settings does to the folder."""
    choice = choose_pack(catalog, pack, recorded_pack(folder), previous=previous)
    record_pack(folder, catalog, choice)
    return choice


def test_a_folder_moves_to_another_pack_and_remembers_the_previous_one(
    tiny: Catalog, tmp_path: Path
) -> None:
    recorded_in(tmp_path, tiny, "compact")
    choice = move(tmp_path, tiny, "standard", "compact")
    assert (choice.name, choice.previous) == ("standard", "compact")
    assert "users of compact are moved" in choice.reason
    recorded = recorded_pack(tmp_path)
    assert recorded is not None
    assert recorded.previous is not None
    assert (recorded.pack, recorded.previous.pack) == ("standard", "compact")
    assert recorded.models["face_embedder"]["name"] == "standard_face_embedder"
    # A server that is told nothing agrees; one that asks for the old pack alone does not start.
    assert move(tmp_path, tiny, "auto", None).previous == "compact"
    with pytest.raises(PackMismatch, match="made by standard_face_embedder"):
        move(tmp_path, tiny, "compact", None)
    assert recorded_pack(tmp_path) == recorded


def test_a_folder_moves_back(tiny: Catalog, tmp_path: Path) -> None:
    recorded_in(tmp_path, tiny, "compact")
    move(tmp_path, tiny, "standard", "compact")
    move(tmp_path, tiny, "compact", "standard")
    choice = choose_pack(tiny, "auto", recorded_pack(tmp_path))
    assert (choice.name, choice.previous) == ("compact", "standard")


def test_a_server_learns_the_next_network_before_it_is_used(tiny: Catalog, tmp_path: Path) -> None:
    recorded_in(tmp_path, tiny, "compact")
    assert move(tmp_path, tiny, "compact", "standard").previous == "standard"
    assert move(tmp_path, tiny, "standard", "compact").name == "standard"


def test_a_move_ends_when_there_is_no_previous_pack(tiny: Catalog, tmp_path: Path) -> None:
    recorded_in(tmp_path, tiny, "compact")
    move(tmp_path, tiny, "standard", "compact")
    assert move(tmp_path, tiny, "standard", "none").previous is None
    recorded = recorded_pack(tmp_path)
    assert recorded is not None
    assert (recorded.pack, recorded.previous) == ("standard", None)


@pytest.mark.parametrize("pack", ["auto", "compact"])
def test_nobody_moves_to_the_network_that_he_has(tiny: Catalog, tmp_path: Path, pack: str) -> None:
    recorded_in(tmp_path, tiny, "compact")
    with pytest.raises(PackMismatch, match="nobody to move"):
        choose_pack(tiny, pack, recorded_pack(tmp_path), previous="compact")
    with pytest.raises(CatalogInvalid, match="no pack called 'premium'"):
        choose_pack(tiny, pack, recorded_pack(tmp_path), previous="premium")


def test_a_folder_of_an_earlier_version_moves_by_the_pack_that_has_its_embedder(
    tiny: Catalog, tmp_path: Path
) -> None:
    recorded = recorded_in(tmp_path, tiny, "compact")
    earlier = replace(recorded, pack="standard")
    choice = choose_pack(tiny, "auto", earlier, previous="compact")
    assert (choice.name, choice.previous) == ("standard", "compact")


def test_a_record_that_another_server_changed_meanwhile_is_not_undone(
    tiny: Catalog, tmp_path: Path
) -> None:
    recorded_in(tmp_path, tiny, "compact")
    late = choose_pack(tiny, "compact", recorded_pack(tmp_path))
    move(tmp_path, tiny, "standard", "compact")
    with pytest.raises(PackMismatch, match="made by standard_face_embedder"):
        record_pack(tmp_path, tiny, late)


def test_an_earlier_version_reads_the_record_of_a_move(tiny: Catalog, tmp_path: Path) -> None:
    recorded_in(tmp_path, tiny, "compact")
    move(tmp_path, tiny, "standard", "compact")
    content = json.loads((tmp_path / "pack.json").read_text())
    assert {"pack", "models", "date"} < set(content)


def test_another_embedder_under_the_previous_pack_is_refused(tiny: Catalog, tmp_path: Path) -> None:
    recorded_in(tmp_path, tiny, "compact")
    move(tmp_path, tiny, "standard", "compact")
    changed = with_other(tiny, "face_embedder")
    for previous in (None, "compact"):
        with pytest.raises(PackMismatch, match="made by compact_face_embedder"):
            choose_pack(changed, "standard", recorded_pack(tmp_path), previous=previous)
    assert choose_pack(changed, "standard", recorded_pack(tmp_path), previous="none")
