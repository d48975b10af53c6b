from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perse.domain.decisions import OperatingPoint, SimilarityScale
from perse.domain.references import Template
from perse.domain.sample_fusion import Combined, SampleFusion, agreement
from perse.domain.samples import ModelName
from perse.errors import InvalidParameter, ReferenceModelMismatch

SCALE = SimilarityScale([OperatingPoint(1e-2, 0.3), OperatingPoint(1e-5, 0.6)])
AVERAGE = SampleFusion(share=1.0)
cosines = st.floats(-1, 1)
shares = st.floats(0, 1)
seeds = st.integers(0, 2**32 - 1)


def samples(count: int, seed: int = 1, model: str = "net") -> list[Template]:
    """Of one person: what the person has in common, and as much that differs."""
    chance = np.random.default_rng(seed)
    common = chance.normal(size=64)
    rows = (common + chance.normal(size=64) for _ in range(count))
    return [Template.of(row.astype(np.float32), ModelName(model)) for row in rows]


@given(cosines, shares)
def test_one_sample_keeps_its_similarity(cosine: float, share: float) -> None:
    (only,) = samples(1)
    told = SampleFusion(share).combined(SCALE, [cosine], [only])
    assert told == Combined(cosine, SCALE.similarity(cosine), SCALE.supported(cosine))


def test_the_whole_share_is_the_cosine_with_the_average_template() -> None:
    several, (probe,) = samples(5), samples(1, seed=2)
    mean = Template.of(np.mean([it.vector for it in several], axis=0), ModelName("net"))
    combined = AVERAGE.cosine([probe.cosine(it) for it in several], several)
    assert combined == pytest.approx(probe.cosine(mean), abs=1e-6)


def test_an_embedder_that_was_not_measured_gets_the_mean() -> None:
    assert SampleFusion().cosine([0.2, 0.4], samples(2)) == pytest.approx(0.3)


def test_one_sample_given_several_times_is_one_sample() -> None:
    (only,) = samples(1)
    assert AVERAGE.cosine([0.4] * 20, [only] * 20) == pytest.approx(0.4, abs=1e-6)


def test_samples_that_agree_less_leave_more_to_make_up_for() -> None:
    near, far = samples(1) + samples(1), samples(1) + samples(1, seed=3)
    assert agreement(far) < agreement(near)
    assert AVERAGE.cosine([0.4, 0.4], far) > AVERAGE.cosine([0.4, 0.4], near)


@settings(max_examples=20, deadline=None)
@given(seeds, shares)
def test_strangers_reach_as_much_with_many_samples_as_with_one(seed: int, share: float) -> None:
    several = samples(8, seed)
    chance = np.random.default_rng(seed + 1)
    probes = chance.normal(size=(500, 64))
    probes /= np.linalg.norm(probes, axis=1, keepdims=True)
    single = probes @ several[0].vector
    vectors = np.array([it.vector for it in several])
    combined = [SampleFusion(share).cosine(list(vectors @ probe), several) for probe in probes]
    assert np.std(combined) < 1.15 * np.std(single)


@given(st.lists(cosines, min_size=4, max_size=4), shares)
def test_the_order_of_samples_does_not_matter(four: list[float], share: float) -> None:
    several, fusion = samples(4), SampleFusion(share)
    told = fusion.cosine(four, several)
    for order in itertools.permutations(range(4)):
        again = fusion.cosine([four[it] for it in order], [several[it] for it in order])
        assert again == pytest.approx(told, abs=1e-9)


@given(st.lists(cosines, min_size=3, max_size=3), cosines, shares)
def test_a_higher_cosine_never_lowers_the_combined_one(
    three: list[float], other: float, share: float
) -> None:
    low, high = sorted((three[0], other))
    several, fusion = samples(3), SampleFusion(share)
    lower, higher = (fusion.cosine([it, *three[1:]], several) for it in (low, high))
    assert -1 <= lower <= higher <= 1


def test_samples_that_point_away_from_each_other_divide_by_no_zero() -> None:
    (one,) = samples(1)
    opposite = Template(-one.vector, one.model)
    assert agreement([one, opposite]) == 0.5
    assert AVERAGE.cosine([0.1, 0.1], [one, opposite]) == pytest.approx(0.1 * 2**0.5)


@pytest.mark.parametrize(("given_cosines", "count"), [([], 0), ([0.5], 2), ([0.5, 0.5], 1)])
def test_cosines_that_are_not_those_of_the_samples_are_refused(
    given_cosines: list[float], count: int
) -> None:
    with pytest.raises(InvalidParameter):
        AVERAGE.cosine(given_cosines, samples(count))


def test_samples_of_two_networks_are_not_taken_together() -> None:
    with pytest.raises(ReferenceModelMismatch):
        AVERAGE.cosine([0.5, 0.5], samples(1) + samples(1, model="another"))


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_what_is_no_share_is_refused(share: float) -> None:
    with pytest.raises(InvalidParameter):
        SampleFusion(share)
