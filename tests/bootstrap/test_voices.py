"""What a speaker embedder's card says about its scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from perse.bootstrap.voices import spread_correction, voice_limits
from perse.domain.stranger_spread import SpreadCorrection
from perse.domain.voice_obstacles import VoiceLimits
from perse.errors import CatalogInvalid
from perse.weights.cards import ModelCard
from perse.weights.catalogue import load_catalog


def _card(**parameters: Any) -> ModelCard:  # noqa: ANN401 - whatever a catalogue may hold
    return replace(load_catalog().card("campplus"), parameters=parameters)


def test_without_parameters_nothing_is_corrected_and_everything_assessable() -> None:
    assert spread_correction(_card()) == SpreadCorrection()
    assert voice_limits(_card()) == VoiceLimits()


def test_parameters_are_the_corrections_and_the_limits() -> None:
    card = _card(
        spread_slope=0.2, spread_one_narrow=-0.1, limit_agreement=0.3, limit_crowding=2, other="a"
    )
    assert spread_correction(card) == SpreadCorrection(slope=0.2, one_narrow=-0.1)
    assert voice_limits(card) == VoiceLimits(agreement=0.3, crowding=2.0)


def test_the_network_that_ships_has_both() -> None:
    card = load_catalog().card("campplus")
    assert spread_correction(card).both_narrow > 0 > spread_correction(card).one_narrow
    assert voice_limits(card).agreement > 0
    assert voice_limits(card).crowding < 10


@pytest.mark.parametrize("wrong", ["0.1", True])
@pytest.mark.parametrize(
    ("read", "name"), [(spread_correction, "spread_slope"), (voice_limits, "limit_agreement")]
)
def test_what_is_no_number_is_refused_by_name(
    read: Callable[[ModelCard], object], name: str, wrong: object
) -> None:
    with pytest.raises(CatalogInvalid, match=f"{name} must be a number"):
        read(_card(**{name: wrong}))


def test_a_former_name_is_told_its_successor() -> None:
    with pytest.raises(CatalogInvalid, match="duration_slope is called spread_slope now"):
        spread_correction(_card(duration_slope=0.14))
