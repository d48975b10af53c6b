"""What quantising costs is bounded by what was measured of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perse.search.quantised import (
    Looseness,
    Probe,
    Vectors,
    code_length,
    quantise,
    step_of,
)
from tests.search.vectors import alike, normalised, unit_vectors


@settings(deadline=None)
@given(vectors=unit_vectors(), probe=st.integers(0, 3))
def test_no_cosine_is_farther_from_its_product_than_the_slack(vectors: Vectors, probe: int) -> None:
    asked = Probe.of(vectors[probe % len(vectors)])
    codes, looseness = quantise(vectors)
    products = (codes.astype(np.int64) @ asked.codes).astype(np.int32)
    cosines = np.array([vector @ vectors[probe % len(vectors)] for vector in vectors], np.float64)
    assert (cosines <= asked.ceilings(products, looseness)).all()
    if vectors.shape[1] <= 160:  # nothing is shortened
        assert (np.abs(cosines - products * asked.per_product) <= asked.slack(looseness)).all()


@settings(deadline=None)
@given(vectors=unit_vectors(), floor=st.floats(-1.1, 1.1))
def test_whoever_reaches_a_cosine_has_the_least_product(vectors: Vectors, floor: float) -> None:
    asked = Probe.of(vectors[0])
    codes, looseness = quantise(vectors)
    products = codes.astype(np.int64) @ asked.codes
    reaching = np.array([float(vector @ vectors[0]) >= floor for vector in vectors])
    assert (products[reaching] >= asked.least_product(floor, looseness)).all()


@pytest.mark.parametrize("values", [128, 192])
def test_of_templates_as_long_as_ours_the_slack_is_small(values: int) -> None:
    vectors = alike(500, values, seed=3)
    _, looseness = quantise(vectors)
    assert 0.01 < Probe.of(vectors[0]).slack(looseness) < 0.03


def test_a_value_that_does_not_fit_is_cut_and_told() -> None:
    codes, looseness = quantise(np.eye(128, dtype=np.float32)[:1])
    assert codes[0, 0] == 127
    assert looseness.error == pytest.approx(1 - 127 * step_of(128))


def test_what_holds_for_two_holds_for_each() -> None:
    assert Looseness(0.1, 0.9).with_(Looseness(0.2, 0.8)) == Looseness(0.2, 0.9)


@pytest.mark.parametrize(
    ("values", "codes"), [(1, 1), (128, 128), (160, 160), (161, 157), (192, 160), (512, 424)]
)
def test_a_long_vector_has_fewer_codes_than_values(values: int, codes: int) -> None:
    found, _ = quantise(alike(3, values, seed=1))
    assert found.shape == (3, codes)
    assert len(Probe.of(alike(1, values, seed=2)[0]).codes) == code_length(values) == codes


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1), values=st.integers(161, 600), near=st.floats(0, 1))
def test_no_product_of_shortened_vectors_is_below_the_cosine(
    seed: int, values: int, near: float
) -> None:
    asked = alike(1, values, seed=seed)[0]
    vectors = normalised((1 - near) * alike(9, values, seed=seed + 1) + near * asked)
    codes, looseness = quantise(vectors)
    probe = Probe.of(asked)
    products = (codes.astype(np.int64) @ probe.codes).astype(np.int32)
    assert (vectors @ asked <= probe.ceilings(products, looseness)).all()


def test_strangers_are_not_far_above_their_cosine_when_shortened() -> None:
    asked, vectors = alike(1, 192, seed=1)[0], alike(20_000, 192, seed=2)
    codes, looseness = quantise(vectors)
    probe = Probe.of(asked)
    products = (codes.astype(np.int64) @ probe.codes).astype(np.int32)
    above = probe.ceilings(products, looseness) - vectors @ asked
    assert 0.15 < above.mean() < 0.3
