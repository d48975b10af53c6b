from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perse.errors import InvalidParameter
from perse.evaluation.all_against_all import BINS, compare_all
from perse.evaluation.intervals import replicate_rates
from tests.evaluation.synthetic import templates, unit


def _person(people: int, each: int) -> np.ndarray:
    return np.repeat(np.arange(people, dtype=np.int32), each)


@settings(max_examples=30, deadline=None)
@given(
    people=st.lists(st.integers(0, 5), min_size=1, max_size=25),
    seed=st.integers(0, 100),
)
def test_every_pair_of_files_is_compared_once(people: list[int], seed: int) -> None:
    person = np.array(people, np.int32)
    vectors = unit(np.random.default_rng(seed).normal(size=(len(people), 4)))
    found = compare_all(vectors, person)
    expected = {
        (i, j): float(np.clip(vectors[i] @ vectors[j], -1, 1))
        for i in range(len(people))
        for j in range(i + 1, len(people))
    }
    got = {}
    for pairs, mated in ((found.mated, True), (found.non_mated, False)):
        for score, i, j in zip(pairs.scores, pairs.first, pairs.second, strict=True):
            assert (person[i] == person[j]) == mated
            got[int(i), int(j)] = float(score)
    assert got == pytest.approx(expected, abs=1e-6)
    assert found.unlisted == 0


def test_more_files_than_a_block_holds_are_compared_as_well() -> None:
    vectors, person = templates(1100, 2, values=8), _person(1100, 2)
    found = compare_all(vectors, person, listed=10**9)
    assert len(found.mated) == 1100
    assert len(found.non_mated) == 2200 * 2199 // 2 - 1100
    assert found.histogram.sum() == len(found.non_mated)
    assert found.histogram.size == BINS


def test_what_is_kept_of_many_pairs_are_the_highest_and_rates_stay_exact() -> None:
    vectors, person = templates(60, 3), _person(60, 3)
    whole = compare_all(vectors, person).rates()
    kept = compare_all(vectors, person, listed=800)
    part = kept.rates()
    assert 0 < len(kept.non_mated) <= 800
    assert part.non_mated_count == whole.non_mated_count
    for fmr in (1e-2, 3e-3):
        assert part.threshold_for_fmr(fmr) == whole.threshold_for_fmr(fmr)
        threshold = whole.threshold_for_fmr(fmr)
        assert part.fmr(threshold) == pytest.approx(whole.fmr(threshold))
    with pytest.raises(InvalidParameter, match="highest"):
        part.fmr(-1.0)
    assert np.array_equal(part.non_mated, whole.non_mated[-len(part.non_mated) :])


def test_replicates_do_not_depend_on_how_many_pairs_are_kept() -> None:
    vectors, person = templates(40, 3), _person(40, 3)
    grid = np.array([compare_all(vectors, person).rates().threshold_for_fmr(0.01)], np.float32)
    whole = replicate_rates(compare_all(vectors, person), grid, replicates=20)
    part = replicate_rates(compare_all(vectors, person, listed=500), grid, replicates=20)
    assert part.fmr == pytest.approx(whole.fmr)
    assert part.fnmr == pytest.approx(whole.fnmr)
