from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_curve

from perse.evaluation.all_against_all import compare_all
from perse.evaluation.intervals import (
    draws,
    interval_of,
    replicate_rates,
    threshold_grid,
)
from perse.evaluation.shares import share_of
from tests.evaluation.synthetic import templates


def test_a_drawn_person_brings_all_pairs_and_no_pair_with_a_copy() -> None:
    person = np.repeat(np.arange(6, dtype=np.int32), 3)
    comparisons = compare_all(templates(6, 3, values=4), person)
    threshold = np.float32(0.3)
    replicated = replicate_rates(comparisons, np.array([threshold]), replicates=5)
    for row, drawn in enumerate(draws(6, 5)):
        matches = total = misses = mated = 0.0
        pairs = comparisons.non_mated
        for score, i, j in zip(pairs.scores, pairs.first, pairs.second, strict=True):
            times = drawn[person[i]] * drawn[person[j]]
            total += times
            matches += times * (score >= threshold)
        pairs = comparisons.mated
        for score, i in zip(pairs.scores, pairs.first, strict=True):
            mated += drawn[person[i]]
            misses += drawn[person[i]] * (score < threshold)
        assert replicated.fmr[row, 0] == pytest.approx(matches / total)
        assert replicated.fnmr[row, 0] == pytest.approx(misses / mated)


def test_a_share_of_independent_trials_has_scipys_interval() -> None:
    errors = np.random.default_rng(3).random(300) < 0.2
    ours = share_of(errors, [str(n) for n in range(300)]).interval
    theirs = stats.bootstrap(
        (errors.astype(float),), np.mean, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert ours.low == pytest.approx(theirs.low, abs=0.012)
    assert ours.high == pytest.approx(theirs.high, abs=0.012)


def test_trials_of_one_person_count_as_dependent() -> None:
    errors = np.repeat(np.random.default_rng(3).random(30) < 0.2, 10)
    people = np.repeat(np.arange(30), 10).astype(str)
    by_person = share_of(errors, list(people)).interval
    as_if_independent = share_of(errors, [str(n) for n in range(300)]).interval
    assert by_person.high - by_person.low > 2 * (as_if_independent.high - as_if_independent.low)


def test_where_no_error_was_seen_the_rule_of_three_bounds_it() -> None:
    found = interval_of(np.zeros(400), observed=0.0, trials=200)
    assert (found.low, found.high) == (0.0, 0.015)
    assert interval_of(np.ones(400), observed=1.0, trials=2).low == 0.0
    # The closed form: no error in n trials has probability 0.05 at about 3 / n.
    assert (1 - found.high) ** 200 == pytest.approx(0.05, abs=0.003)


def test_intervals_hold_the_true_rate_about_as_often_as_they_say() -> None:
    """Mated scores of a person share that person's luck; the true FNMR is Phi(-1)."""
    held = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        luck = np.repeat(random.normal(size=50), 6) * np.sqrt(0.5)
        scores = luck + random.normal(size=300) * np.sqrt(0.5)
        people = [str(n // 6) for n in range(300)]
        interval = share_of(scores < -1, people).interval
        held += interval.low <= stats.norm.cdf(-1) <= interval.high
    assert held >= 52


def test_synthetic_templates_give_their_rates_back_within_the_intervals() -> None:
    """The rates of 1,500 people stand for the truth; those of 60 of them must enclose it."""
    truth = compare_all(
        templates(1500, 3, noise=1.2), np.repeat(np.arange(1500, dtype=np.int32), 3)
    ).rates()
    threshold = truth.threshold_for_fmr(1e-2)
    few = compare_all(
        templates(60, 3, noise=1.2, seed=5), np.repeat(np.arange(60, dtype=np.int32), 3)
    )
    replicated = replicate_rates(few, np.array([threshold], np.float32))
    rates = few.rates()
    fmr = interval_of(replicated.fmr[:, 0], observed=rates.fmr(threshold), trials=100)
    fnmr = interval_of(replicated.fnmr[:, 0], observed=rates.fnmr(threshold), trials=60)
    assert fmr.low <= truth.fmr(threshold) <= fmr.high
    assert fnmr.low <= truth.fnmr(threshold) <= fnmr.high


def test_the_replicates_equal_error_rate_agrees_with_scikit_learn() -> None:
    person = np.repeat(np.arange(30, dtype=np.int32), 4)
    comparisons = compare_all(templates(30, 4, noise=2.0), person)
    replicated = replicate_rates(comparisons, threshold_grid(comparisons), replicates=3)
    for drawn, got in zip(draws(30, 3), replicated.equal_error_rates(), strict=True):
        mated, other = comparisons.mated, comparisons.non_mated
        weights = np.r_[
            drawn[person[mated.first]], drawn[person[other.first]] * drawn[person[other.second]]
        ]
        labels = np.r_[np.ones(len(mated)), np.zeros(len(other))]
        scores = np.r_[mated.scores, other.scores]
        fmr, tmr, _ = roc_curve(labels, scores, sample_weight=weights)
        at = np.argmin(np.abs(fmr - (1 - tmr)))
        assert got == pytest.approx((fmr[at] + 1 - tmr[at]) / 2, abs=0.01)
