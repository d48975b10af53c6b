"""What a start says of a previous pack that cannot be moved from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from perse.bootstrap.previous import surely_of
from perse.bootstrap.weights import chosen_pack, previous_pack
from perse.domain.decisions import OperatingPoint
from perse.errors import CatalogInvalid
from perse.models.catalog import Catalog
from perse.models.packs import PackChoice
from perse.settings import load_settings


def test_a_move_asks_for_a_false_match_rate_of_one_in_a_hundred_thousand(catalog: Catalog) -> None:
    for name in ("sface", "mobilefacenet"):
        assert surely_of(catalog.card(name)) == pytest.approx(0.9)


def test_a_network_that_was_not_measured_so_far_moves_nobody(catalog: Catalog) -> None:
    card = catalog.card("sface")
    assert card.operating_points is not None
    points = (OperatingPoint(1e-2, 0.3), OperatingPoint(1e-4, 0.4))
    coarse = replace(card, operating_points=replace(card.operating_points, points=points))
    with pytest.raises(CatalogInvalid, match=r"1e-5.*PERSE_PREVIOUS_PACK=none"):
        surely_of(coarse)


def test_a_previous_pack_without_faces_stops_the_start(catalog: Catalog, tmp_path: Path) -> None:
    pack = catalog.pack("compact")
    voices = {role: name for role, name in pack.roles.items() if role.startswith("sp")}
    without = Catalog(catalog.models, {**catalog.packs, pack.name: replace(pack, roles=voices)})
    settings = load_settings(data_dir=tmp_path, previous_pack="compact")
    choice = chosen_pack(settings, without)
    assert choice == PackChoice("standard", "nothing else was asked for", "compact")
    with pytest.raises(CatalogInvalid, match="compares no faces"):
        previous_pack(settings, without, choice)
