from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perse.domain.recognisability import Recognisability
from perse.domain.references import Traits
from perse.domain.resemblance import ResemblanceScale
from perse.errors import InvalidParameter
from perse.weights.catalogue import load_catalog
from perse.weights.recognisability import shipped_recognisability
from tests.recognisable import GOOD, HOPELESS, MODEL, POINTS, POOR, SCALE, template

ANGLES = st.floats(0, 6.2)
LENGTHS, MIRRORED = st.floats(0.1, 40), st.floats(-1, 1)


def told(length: float, mirror_cosine: float, damage: float = 0.0) -> float:
    value = MODEL.of(template(1, 0, damage, Traits(length, mirror_cosine)))
    assert value is not None
    return value


def test_long_features_mirrored_alike_and_far_from_damage_are_recognisable() -> None:
    assert told(10, 0.97) > 0.95
    assert told(10, 0.97) > told(5, 0.97) > told(2, 0.97)
    assert told(10, 0.97) > told(10, 0.5)
    assert told(10, 0.97) > told(10, 0.97, damage=1)


def test_what_was_never_seen_counts_as_the_end_of_what_was() -> None:
    assert told(1e6, 0.97) == told(10 * np.exp(0.2), 0.97)
    assert told(1e-6, 0.97) == pytest.approx(told(10 * np.exp(-3), 0.97))


def test_a_template_without_traits_tells_nothing_and_counts_as_good() -> None:
    old = template(1, 0.2, traits=None)
    assert SCALE.recognisability(old) is None
    seen = SCALE.resemblance(template(1, 0), old)
    assert seen.assessable
    assert seen.recognisability[1] is None
    assert seen.lower_recognisability == seen.recognisability[0]


def test_good_captures_keep_their_similarity() -> None:
    one, other = template(1, 0), template(0.5, 0.866)
    plain = ResemblanceScale(POINTS).resemblance(one, other)
    assert SCALE.resemblance(one, other).similarity == pytest.approx(plain.similarity, abs=0.03)


def test_strangers_who_share_damage_do_not_match() -> None:
    one, other = template(1, 0, 1.2, POOR), template(0, 1, 1.2, POOR)
    seen = SCALE.resemblance(one, other)
    assert seen.assessable
    assert POINTS.similarity(seen.cosine) > 0.8
    assert seen.similarity < 0.5


def test_damage_that_only_one_of_two_has_costs_nothing() -> None:
    one, other = template(1, 0), template(1, 0.3, 0.8, POOR)
    plain = ResemblanceScale(POINTS).resemblance(one, other)
    assert SCALE.resemblance(one, other).similarity == pytest.approx(plain.similarity, abs=0.03)


def test_a_capture_that_says_nothing_of_a_person_ends_at_0() -> None:
    seen = SCALE.resemblance(template(1, 0), template(1, 0, traits=HOPELESS))
    assert (seen.similarity, seen.supported, seen.assessable) == (0.0, False, False)
    assert seen.cosine == pytest.approx(1)


def test_damage_is_worth_its_surplus_as_surely_as_it_is_told() -> None:
    vectors = np.array([[0, 0, 1], [0, 0.8, 0.6], [0, 1, 0]], np.float32)
    sure, unsure, none = MODEL.captured(vectors, np.array([0.7, 0.9, 0.97])).surplus
    assert sure == pytest.approx(0.9, abs=0.01)
    assert 0.1 < unsure < 0.8
    assert none < 0.01


def test_what_damage_adds_to_everybody_is_taken_out_as_surely_as_it_is_told() -> None:
    vectors = np.array([[0, 0.6, 0.8], [0, 1, 0]], np.float32)
    seen = MODEL.captured(vectors, np.array([0.7, 0.97]))
    np.testing.assert_allclose(np.linalg.norm(seen.rest, axis=1), 1, atol=1e-6)
    # 0.3 of the 0.8 is what damage adds.
    assert seen.rest[0, 2] / seen.rest[0, 1] == pytest.approx(0.5 / 0.6, abs=0.02)
    np.testing.assert_allclose(seen.rest[1], vectors[1], atol=0.01)


def test_a_template_that_is_all_damage_matches_nobody() -> None:
    sharing = replace(MODEL.sharing, steps=np.array([[0, 0, 1]], np.float32))
    rest = sharing.rid(np.array([[0, 0, 1]], np.float32), np.array([[1.0]]))
    np.testing.assert_array_equal(rest, np.zeros((1, 3)))


def test_a_bad_pair_costs_the_same_whichever_of_its_captures_is_in_more_doubt() -> None:
    vectors = np.array([[0, 1, 0], [0, 1, 0]], np.float32)
    seen = MODEL.captured(vectors, np.array([0.6, 0.9]))
    one, other = seen.of(np.array([0])), seen.of(np.array([1]))
    there = MODEL.corrected(np.ones((1, 1)), one, other)
    assert there == MODEL.corrected(np.ones((1, 1)), other, one)
    surplus = one.surplus[0] * other.surplus[0]
    # The cushion is by the smaller doubt.
    rest = float((one.rest @ other.rest.T)[0, 0])
    assert there[0, 0] == pytest.approx(min(rest, 1) + 0.02 * np.log(0.9) - surplus, abs=1e-6)


@given(one=ANGLES, other=ANGLES, damage=st.floats(0, 3), lengths=st.tuples(LENGTHS, LENGTHS))
def test_it_is_the_same_whichever_is_the_probe_and_never_higher_than_the_cosine_s(
    one: float, other: float, damage: float, lengths: tuple[float, float]
) -> None:
    probe, reference = (
        template(np.cos(angle), np.sin(angle), damage, Traits(length, 0.9))
        for angle, length in zip((one, other), lengths, strict=True)
    )
    seen, reversed_ = SCALE.resemblance(probe, reference), SCALE.resemblance(reference, probe)
    assert seen.similarity == pytest.approx(reversed_.similarity, abs=1e-6)
    assert seen.recognisability == reversed_.recognisability[::-1]
    assert 0 <= seen.similarity <= POINTS.similarity(seen.cosine) + 1e-9


@given(length=LENGTHS, mirror_cosine=MIRRORED)
def test_it_is_a_share_whatever_the_traits(length: float, mirror_cosine: float) -> None:
    assert 0 <= told(length, mirror_cosine) <= 1


def test_many_pairs_at_once_are_corrected_as_each_alone() -> None:
    made = [template(1, 0.1 * k, 0.2 * k, Traits(10 - k, 0.9)) for k in range(5)]
    vectors = np.stack([it.vector for it in made])
    known = np.array([MODEL.of(it) for it in made], np.float64)
    seen = MODEL.captured(vectors, known)
    cosines = np.asarray(vectors @ vectors.T, np.float64)
    together = MODEL.corrected(cosines, seen, seen)
    for row, one in enumerate(made):
        for column, other in enumerate(made):
            alone = SCALE.resemblance(one, other)
            if alone.assessable:
                expected = POINTS.similarity(float(together[row, column]))
                assert alone.similarity == pytest.approx(expected, abs=1e-5)


def test_a_model_that_does_not_hold_together_is_refused() -> None:
    with pytest.raises(InvalidParameter):
        replace(MODEL, weights=(1.0, 2.0))
    with pytest.raises(InvalidParameter):
        replace(MODEL, least=1.0)
    with pytest.raises(InvalidParameter):
        replace(MODEL, directions=np.eye(4, dtype=np.float32))
    with pytest.raises(InvalidParameter):
        replace(MODEL.sharing, surplus=np.zeros(2))
    with pytest.raises(InvalidParameter):
        replace(MODEL.sharing, steps=np.zeros((1, 4), np.float32))


@pytest.mark.parametrize("pack", ["standard", "compact"])
def test_every_pack_s_embedder_ships_with_its_model(pack: str) -> None:
    card = load_catalog().cards_of(pack)["face_embedder"]
    model = shipped_recognisability(card.name)
    assert isinstance(model, Recognisability)
    np.testing.assert_allclose(np.linalg.norm(model.directions, axis=1), 1, atol=1e-4)
    facing = np.zeros(model.directions.shape[1], np.float32)
    facing[0] = 1
    good = Traits(model.typical_length, 0.97)
    away = facing - model.directions[0] * model.directions[0, 0]
    value = model.of(replace(template(1, 0), vector=away / np.linalg.norm(away), traits=good))
    short = Traits(model.typical_length / 4, 0.6)
    worse = model.of(replace(template(1, 0), vector=model.directions[0], traits=short))
    assert value is not None
    assert worse is not None
    assert worse < 0.1 < value


def test_other_networks_have_none() -> None:
    card = load_catalog().card("campplus")
    assert shipped_recognisability(card.name) is None
    assert GOOD.length > HOPELESS.length
