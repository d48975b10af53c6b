"""What quantising costs is bounded by what was measured of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perse.search.quantised import Looseness, Probe, Vectors, quantise, step_of
from tests.search.vectors import alike, unit_vectors


@settings(deadline=None)
@given(vectors=unit_vectors(), probe=st.integers(0, 3))
def test_no_cosine_is_farther_from_its_product_than_the_slack(vectors: Vectors, probe: int) -> None:
    asked = Probe.of(vectors[probe % len(vectors)])
    codes, looseness = quantise(vectors)
    products = (codes.astype(np.int64) @ asked.codes).astype(np.int32)
    cosines = np.array([vector @ vectors[probe % len(vectors)] for vector in vectors], np.float64)
    assert (cosines <= asked.ceilings(products, looseness)).all()
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
