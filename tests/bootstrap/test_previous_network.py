"""What a start says of a previous pack that cannot be moved from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from perse.bootstrap.previous_network import log_failure
from perse.bootstrap.similarity import surely_of
from perse.bootstrap.weights import chosen_pack, needed_networks, previous_pack
from perse.domain.decisions import OperatingPoint
from perse.errors import CatalogInvalid, StorageUnavailable
from perse.settings import load_settings
from perse.weights.catalogue import Catalog
from perse.weights.packs import PackChoice


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


def test_what_fails_is_logged_by_its_code_alone() -> None:
    with capture_logs() as lines:
        log_failure(StorageUnavailable("the database of somebody is full"))
        log_failure(ValueError("template [0.1, 0.2]"))
    assert lines == [
        {"event": "reference not moved", "log_level": "warning", "code": code}
        for code in ("storage_unavailable", "ValueError")
    ]


def test_whoever_serves_needs_the_previous_network_too_until_the_last_day(
    catalog: Catalog, tmp_path: Path
) -> None:
    def needed(**settings: object) -> set[str]:
        chosen = load_settings(data_dir=tmp_path, pack="standard", **settings)
        return {card.name for card in needed_networks(chosen, catalog)}

    alone = needed()
    assert needed(previous_pack="compact") == alone | {"mobilefacenet"}
    assert needed(previous_pack="compact", previous_pack_until="2999-12-31") > alone
    assert needed(previous_pack="compact", previous_pack_until="2026-11-27") == alone
