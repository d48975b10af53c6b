from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perse.domain.modality_fusion import Evidence, ModalityFusion
from perse.errors import InvalidParameter

FACE = Evidence(steepness=45, middle=0.69, highest=0.9, lost=0.1)
VOICE = Evidence(steepness=50, middle=0.61, highest=0.7, lost=0.1)
FUSION = ModalityFusion(FACE, VOICE)
similarities = st.floats(0, 1)


@given(similarities, similarities, similarities)
def test_more_of_either_never_gives_less(one: float, other: float, fixed: float) -> None:
    low, high = sorted((one, other))
    assert FUSION.similarity(low, fixed) <= FUSION.similarity(high, fixed)
    assert FUSION.similarity(fixed, low) <= FUSION.similarity(fixed, high)
    assert 0 <= FUSION.similarity(low, high) <= 1


@given(similarities)
def test_a_face_and_a_voice_that_match_say_more_than_the_face_alone(face: float) -> None:
    assert FUSION.similarity(face, 0.7) > min(face, 0.69)
    assert FUSION.similarity(max(face, 0.75), 0.7) > 0.9


def test_a_voice_that_tells_nothing_leaves_a_clear_face_a_match() -> None:
    assert FUSION.similarity(0.9, 0.0) > 0.8


def test_a_face_that_tells_nothing_leaves_a_voice_what_was_measured_of_it() -> None:
    assert 0.6 < FUSION.similarity(0.0, 1.0) <= 0.7


def test_neither_alike_is_no_evidence() -> None:
    assert FUSION.similarity(0.0, 0.0) == FUSION.similarity(0.4, 0.4) < 0.45


@given(st.floats(0.7, 1))
def test_above_the_measured_rates_a_similarity_counts_as_the_last_measured(voice: float) -> None:
    assert FUSION.similarity(0.7, voice) == FUSION.similarity(0.7, 0.7)


@pytest.mark.parametrize("threshold", [0.6, 0.7, 0.8, 0.9])
@pytest.mark.parametrize("alike", [False, True])
def test_strangers_reach_a_fused_similarity_no_more_often_than_it_says(
    threshold: float, alike: bool
) -> None:
    count = 2_000_000
    drawn = _drawn_from_the_scale(count, alike=alike)
    rate = (FUSION.similarities(*drawn) >= threshold).mean()
    stated = 10 ** (4 - 10 * threshold)
    assert rate < stated + 4 * (stated / count) ** 0.5
    if threshold < 0.8:
        assert rate > stated / 4


def _drawn_from_the_scale(count: int, *, alike: bool) -> tuple[np.ndarray, np.ndarray]:
    """Similarities of strangers' faces and voices; ``alike``: half of them share what all false
    matches share."""
    chance = np.random.default_rng(6)
    rates = chance.uniform(size=(2, count))
    if alike:
        shared = chance.uniform(size=count) < 0.5
        rates = (rates + ~shared) / 2
    faces, voices = np.clip(0.4 - 0.1 * np.log10(rates), 0, 1)
    return faces, voices


@given(st.floats(0.4, 1), similarities, similarities)
def test_below_its_floors_no_face_and_no_voice_reach_a_fused_similarity(
    fused: float, face: float, voice: float
) -> None:
    least_face, least_voice = FUSION.floors(fused)
    if FUSION.similarity(face, voice) >= fused:
        assert face >= least_face
        assert voice >= least_voice


def test_floors_are_no_lower_than_they_need_be() -> None:
    for fused in (0.7, 0.8, 0.9, 1.0):
        face, voice = FUSION.floors(fused)
        assert FUSION.similarity(min(1.0, face + 1e-3), 1.0) >= fused
        assert FUSION.similarity(1.0, min(1.0, voice + 1e-3)) >= fused


def test_what_both_together_never_reach_has_no_floors() -> None:
    low = replace(FACE, highest=0.69), replace(VOICE, highest=0.6)
    assert ModalityFusion(*low).floors(1.0) == (float("inf"), float("inf"))


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_what_is_no_similarity_is_refused(wrong: float) -> None:
    with pytest.raises(InvalidParameter):
        FUSION.similarity(wrong, 0.5)
    with pytest.raises(InvalidParameter):
        FUSION.similarity(0.5, wrong)


def test_rates_stand_behind_what_the_stronger_modality_was_measured_for() -> None:
    assert [FUSION.supported(it) for it in (0.5, 0.6, 0.9, 0.95)] == [False, True, True, False]


@pytest.mark.parametrize(
    "wrong",
    [
        {"steepness": 0.0},
        {"steepness": float("nan")},
        {"middle": 0.3},
        {"middle": 1.0},
        {"highest": 0.4},
        {"highest": 1.1},
        {"lost": 0.0},
        {"lost": 1.0},
    ],
)
def test_what_is_no_evidence_cannot_exist(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidParameter):
        replace(FACE, **wrong)
