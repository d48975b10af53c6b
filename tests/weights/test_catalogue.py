from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from perse.errors import CatalogInvalid
from perse.weights.cards import PackagedSource, PackageSource, PathSource, Role, UrlSource
from perse.weights.catalogue import Catalog, load_catalog
from perse.weights.conversions import version_of

MODEL = """
[models.mine]
role = "face_embedder"
adapter = "onnx_embedder"
file = "mine.onnx"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
size_bytes = 10
input = "N x 3 x 112 x 112"
source = { kind = "path", path = "networks/mine.onnx" }
[models.mine.parameters]
size_px = 112
colour = "rgb"
mean = [127.5, 127.5, 127.5]
std = [128.0, 128.0, 128.0]
"""
PACK = """
[packs.my_pack]
summary = "Mine."
default_fmr = 1e-3
default_voice_fmr = 1e-2
quality = { underexposure = 0.85, overexposure = 0.03, sharpness = 0.3, colour = 0.5, rotation = 9 }
roles = { face_detector = "yunet_2023mar", face_embedder = "mine" }
"""
POINTS = """
[operating_points.mine]
dataset = "My own pictures"
pairs = 1000
date = 2026-11-23
largest_supported_claim = 1e-2
points = [{ fmr = 1e-1, cosine = 0.2 }, { fmr = 1e-2, cosine = 0.3 }]
"""
CONFIRMATION = """
[confirmation_points.yunet_n]
clear_glance = 0.95
clear_look = 0.9
sure_look = 0.8
least_look = 0.5
least_log_odds = 10.0
odds_worth = 0.02
turn_margin = 0.05
dataset = "My own pictures"
pictures = 1000
date = 2026-11-23
"""


def load(tmp_path: Path, text: str) -> Catalog:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return load_catalog(path)


def refusal(tmp_path: Path, text: str) -> str:
    with pytest.raises(CatalogInvalid) as refused:
        load(tmp_path, text)
    return refused.value.message


def test_the_shipped_packs(catalog: Catalog) -> None:
    assert set(catalog.packs) == {"standard", "compact"}
    for name in catalog.packs:
        assert set(catalog.cards_of(name)) == set(get_args(Role))
        assert catalog.pack(name).default_fmr == 1e-4


def test_the_standard_pack_needs_the_package_index_alone(catalog: Catalog) -> None:
    for card in catalog.cards_of("standard").values():
        assert isinstance(card.sources[0], PackageSource | PackagedSource)
        assert len(card.sources) > 1 or isinstance(card.sources[0], PackagedSource)


def test_a_network_that_is_no_more_is_answered_with_what_there_is(tmp_path: Path) -> None:
    said = refusal(tmp_path, MODEL + PACK.replace("yunet_2023mar", "centerface"))
    assert said.endswith("there is no network 'centerface', which is no more: name 'yunet_2023mar'")


def test_every_network_says_where_it_is_from_and_what_its_licences_are(catalog: Catalog) -> None:
    for card in catalog.models.values():
        for source in card.sources:
            assert not isinstance(source, UrlSource) or source.url.startswith("https://")
        for words in (card.licence.code, card.licence.weights, card.licence.training_data):
            assert words != "not stated", card.name
        assert not card.licence.commercial_use.startswith("not known"), card.name
        if card.conversion:
            assert version_of(card.conversion) >= 1


def test_every_detector_of_a_pack_has_a_measured_second_look(catalog: Catalog) -> None:
    for name in catalog.packs:
        point = catalog.cards_of(name)["face_detector"].confirmation_point
        assert point is not None
        assert point.rule().clear_glance == point.clear_glance


def test_limits_of_the_second_look_may_be_ones_own(tmp_path: Path) -> None:
    point = load(tmp_path, CONFIRMATION).card("yunet_n").confirmation_point
    assert point is not None
    assert point.rule().clear_glance == 0.95


def test_limits_that_contradict_one_another_are_named(tmp_path: Path) -> None:
    said = refusal(tmp_path, CONFIRMATION.replace("sure_look = 0.8", "sure_look = 0.92"))
    assert "confirmation_points.yunet_n" in said


@pytest.mark.shared
def test_files_are_those_of_the_mirror(catalog: Catalog, shared: Path) -> None:
    listed = json.loads((shared / "models" / "manifest.json").read_text())["models"]
    mirrored: dict[str, dict[str, Any]] = {entry["file"]: entry for entry in listed}
    checked = set()
    for card in catalog.models.values():
        entry = mirrored.get(card.file)
        if entry:
            assert isinstance(card.sources[0], UrlSource)
            assert card.sources[0].url == entry["url"]
            assert (card.sha256, card.size_bytes) == (entry["sha256"], entry["bytes"])
            assert card.role == entry["role"]
            checked.add(card.file)
    assert checked == set(mirrored) - {"minifas_97.80.onnx"}


def test_a_catalogue_of_ones_own(tmp_path: Path) -> None:
    catalog = load(tmp_path, MODEL + PACK + POINTS)
    card = catalog.card("mine")
    assert isinstance(card.sources[0], PathSource)
    assert card.sources[0].path == tmp_path / "networks" / "mine.onnx"
    assert card.parameters["mean"] == (127.5, 127.5, 127.5)
    assert card.operating_points is not None
    assert [point.fmr for point in card.operating_points.points] == [1e-1, 1e-2]
    assert catalog.cards_of("my_pack")["face_embedder"] is card
    assert catalog.card("yunet_2023mar") == load_catalog().card("yunet_2023mar")


def test_ones_own_measurement_of_a_shipped_network(tmp_path: Path) -> None:
    card = load(tmp_path, POINTS.replace("mine", "mobilefacenet")).card("mobilefacenet")
    assert card.operating_points is not None
    assert card.operating_points.dataset == "My own pictures"


def test_nothing_of_a_card_can_be_changed(catalog: Catalog) -> None:
    card = catalog.card("mobilefacenet")
    with pytest.raises(AttributeError):
        card.sha256 = "0" * 64  # type: ignore[misc]
    with pytest.raises(TypeError):
        card.parameters["size_px"] = 1  # type: ignore[index]
    with pytest.raises(TypeError):
        del catalog.models[card.name]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (MODEL.replace("size_bytes = 10", 'size_bytes = "10"'), "models.mine.size_bytes"),
        (MODEL.replace("size_bytes = 10", "size_bytes = 0"), "models.mine.size_bytes"),
        (MODEL.replace('"0000', '"0g00'), "models.mine.sha256"),
        (MODEL.replace("role =", "roles ="), "models.mine.roles: no such key"),
        (MODEL.replace("face_embedder", "face_eater"), "models.mine.role"),
        (MODEL.replace('"mine.onnx"', '"../mine.onnx"'), "models.mine.file"),
        (MODEL.replace('"path",', '"web",'), "models.mine.sources"),
        (MODEL.replace("[models.mine]", '[models."My net"]'), "models.My net.name"),
        (MODEL.replace("input =", 'name = "x"\ninput ='), "models.mine.name"),
        (MODEL.replace("mean = [127.5, 127.5, 127.5]", ""), "models.mine.parameters.mean"),
        (MODEL.replace("size_px = 112", "size_px = -1"), "models.mine.parameters.size_px"),
        (MODEL.replace("128.0]", "0.0]"), "models.mine.parameters.std"),
        (MODEL.replace("size_px = 112", "size_px = 112\nzoom = 2"), "models.mine.parameters.zoom"),
        (MODEL.replace("models.mine", "models.yunet_n"), "yunet_n is a shipped name"),
        (PACK.replace("my_pack", "standard"), "standard is a shipped name"),
        (PACK, "there is no network 'mine'"),
        (MODEL + PACK.replace('"yunet_2023mar"', '"mine"'), "mine is a face_embedder"),
        (MODEL + PACK.replace("sharpness = 0.3", "sharpness = 3"), "my_pack.quality.sharpness"),
        (MODEL + PACK.replace("face_detector =", "detector ="), "packs.my_pack.roles"),
        (POINTS, "measures mine, which it does not list"),
        (MODEL + POINTS.replace("0.3", "0.1"), "operating_points.mine"),
        (MODEL + POINTS.replace("0.3", "3"), "operating_points.mine"),
        (MODEL + POINTS.replace("2026-11-23", '"yesterday"'), "operating_points.mine.date"),
        (MODEL.replace('file = "mine.onnx"', 'file = "mobilefacenet.onnx"'), "mobilefacenet.onnx"),
        ("[weights]", "weights is no section"),
        ("models = 3", "models: a table is expected"),
        ("[models]\nmine = 3", "models.mine: a table is expected"),
        ("models = [", "is no TOML file"),
    ],
)
def test_what_is_no_good_is_named(tmp_path: Path, text: str, place: str) -> None:
    message = refusal(tmp_path, text)
    assert place in message
    assert "pydantic" not in message


def test_addresses_and_paths_inside_archives_are_held_in_check(tmp_path: Path) -> None:
    web = 'source = { kind = "url", url = "http://one.example/mine.onnx" }'
    assert "https://" in refusal(tmp_path, MODEL.replace(SOURCE_LINE, web))
    inside = (
        'source = { kind = "package", package = "p", version = "1", archive = "p.whl", '
        f'archive_sha256 = "{"0" * 64}", archive_size_bytes = 1, member = "../x" }}'
    )
    assert "climbs" in refusal(tmp_path, MODEL.replace(SOURCE_LINE, inside))
    card = load(tmp_path, MODEL.replace(SOURCE_LINE, inside.replace("../x", "p/x"))).card("mine")
    assert isinstance(card.sources[0], PackageSource)


SOURCE_LINE = 'source = { kind = "path", path = "networks/mine.onnx" }'


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CatalogInvalid, match="cannot be read"):
        load_catalog(tmp_path / "absent.toml")


def test_an_unknown_name_is_answered_with_the_known_ones(catalog: Catalog) -> None:
    with pytest.raises(CatalogInvalid, match="yunet_n"):
        catalog.card("yunet_m")
    with pytest.raises(CatalogInvalid, match="compact, standard"):
        catalog.pack("premium")
