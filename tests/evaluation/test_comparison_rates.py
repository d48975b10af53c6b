from __future__ import annotations

import json
import math
from dataclasses import asdict

import numpy as np
import pytest

from perse.domain.stranger_spread import SpreadCorrection
from perse.domain.voice_quality import VoiceQuality
from perse.errors import InvalidParameter
from perse.evaluation.acquisition import Acquired
from perse.evaluation.comparison_rates import Question, rate_comparisons
from perse.evaluation.groups import Group
from perse.evaluation.results import ComparisonResult, plain
from perse.evaluation.samples import Samples, compare_all_samples, compare_trials
from perse.evaluation.trial_lists import Trial
from tests.evaluation.synthetic import PROVENANCE, samples, templates

QUESTION = Question(PROVENANCE, fmr=1e-2, served=(0.5, 1e-3))


def _rate(found: Samples, *groups: Group, question: Question = QUESTION) -> ComparisonResult:
    return rate_comparisons(compare_all_samples(found), question, list(groups))[0]


def test_counts_and_claims_are_those_of_the_data() -> None:
    result = _rate(samples(templates(50, 4), 4))
    assert (result.people, result.files) == (50, 200)
    assert result.mated_pairs == 50 * 6
    assert result.non_mated_pairs == 200 * 199 // 2 - 300
    told = {point.target_fmr: point for point in result.points}
    assert told[1e-2].rates is not None
    assert told[1e-2].rates.fmr.share <= 1e-2
    assert told[1e-4].rates is None
    assert told[1e-4].refused == "19,600 non-mated pairs support FMR 1.5e-4, not 1e-4"
    assert result.decision_fmr == 1e-2
    json.dumps(plain(result), allow_nan=False)


def test_failures_are_counted_and_count_as_non_matches() -> None:
    whole = _rate(samples(templates(20, 4), 4))
    lossy = _rate(samples(templates(20, 4), 4, failures=2))
    assert lossy.failure_to_acquire.errors == 2
    assert lossy.failure_to_acquire.trials == 80
    assert [failure.code for failure in lossy.failures] == ["no_face_detected"] * 2
    assert lossy.mated_pairs == whole.mated_pairs - 5
    assert lossy.decision is not None
    missed = lossy.decision.fnmr.errors + 5
    assert lossy.fnmr_with_failures == pytest.approx(missed / whole.mated_pairs)


def test_the_served_threshold_is_judged_too() -> None:
    result = _rate(samples(templates(20, 4), 4))
    assert result.served is not None
    assert result.served.threshold == 0.5
    assert result.served_fmr == 1e-3


def test_the_decision_falls_back_to_what_the_data_carries() -> None:
    question = Question(PROVENANCE, fmr=1e-6)
    assert _rate(samples(templates(20, 4), 4), question=question).decision_fmr == 1e-3


def test_the_worst_pairs_are_named_and_on_the_wrong_side() -> None:
    vectors = templates(20, 4)
    vectors[5], vectors[70] = vectors[71].copy(), vectors[6].copy()
    result = _rate(samples(vectors, 4))
    assert result.decision is not None
    top = result.worst_false_matches[0]
    assert {top.first, top.second} in (
        {"person-1/1.jpg", "person-17/3.jpg"}, {"person-17/2.jpg", "person-1/2.jpg"}
    )  # fmt: skip
    assert all(p.score >= result.decision.threshold for p in result.worst_false_matches)
    assert all(p.score < result.decision.threshold for p in result.worst_false_non_matches)
    assert any("person-1/1.jpg" in (p.first, p.second) for p in result.worst_false_non_matches)


def test_groups_are_judged_at_the_one_threshold() -> None:
    found = samples(templates(30, 4), 4, failures=3)
    first_half = np.arange(120) < 60
    result = _rate(found, Group("half", "first", first_half), Group("half", "second", ~first_half))
    assert result.decision is not None
    first, second = result.groups
    assert (first.people, second.people) == (15, 15)
    assert first.failure_to_acquire is not None
    assert first.failure_to_acquire.errors == 3
    assert first.fmr is not None
    assert second.fmr is not None
    assert second.fmr.trials == 60 * 59 // 2 - 15 * 6
    assert first.fnmr is not None
    assert second.fnmr is not None
    assert first.fnmr.trials + second.fnmr.trials == result.mated_pairs
    assert first.fnmr.errors + second.fnmr.errors == result.decision.fnmr.errors


def test_a_group_of_one_person_has_no_fmr() -> None:
    result = _rate(samples(templates(10, 3), 3), Group("who", "first", np.arange(30) < 3))
    assert result.groups[0].fmr is None
    assert result.groups[0].fnmr is not None


def test_quality_that_explains_the_errors_makes_the_curve_fall() -> None:
    found = samples(templates(40, 4, noise=0.5), 4)
    blurred = np.random.default_rng(0).random(160) < 0.15
    vectors = templates(40, 4, noise=0.5)
    vectors[blurred] = templates(int(blurred.sum()), 1, seed=99)
    outcomes = tuple(
        Acquired(vector, {"sharpness": 0.1 if bad else 0.9, "rotation": float(n % 7)})
        for n, (vector, bad) in enumerate(zip(vectors, blurred, strict=True))
    )
    result = _rate(Samples(found.files, outcomes))
    curves = {curve.measure: curve for curve in result.quality}
    assert set(curves) == {"sharpness", "rotation"}
    assert curves["sharpness"].fnmr[0] > 0.1
    assert curves["sharpness"].fnmr[-1] < 0.02
    assert curves["rotation"].fnmr[-1] > 0.1


@pytest.mark.parametrize(("people", "each", "missing"), [(10, 1, "FNMR"), (1, 5, "FMR")])
def test_data_without_one_kind_of_pair_are_refused(people: int, each: int, missing: str) -> None:
    with pytest.raises(InvalidParameter, match=f"{missing} cannot be told"):
        _rate(samples(templates(people, each), each))


def test_when_nothing_was_acquired_that_is_said() -> None:
    with pytest.raises(InvalidParameter, match="cannot be told"):
        _rate(samples(templates(5, 2), 2, failures=10))


def test_listed_trials_are_all_that_is_compared() -> None:
    found = samples(templates(10, 2), 2, failures=1)
    trials = [Trial(2 * n, 2 * n + 1, mated=True) for n in range(10)]
    trials += [Trial(2 * n, (2 * n + 2) % 20, mated=False) for n in range(10)]
    compared = compare_trials(found, trials)
    assert compared.mated_lost == 1
    assert len(compared.comparisons.mated) == 9
    assert len(compared.comparisons.non_mated) == 8
    everything = compare_all_samples(found).comparisons.mated
    assert compared.comparisons.mated.scores == pytest.approx(everything.scores)


def test_voices_are_corrected_as_the_server_does() -> None:
    plain_samples = samples(templates(6, 2), 2)
    seconds = [1.2, 3.0, 25.0, 0.4, 5.0, 2.5, 2.0, 8.0, 9.0, 11.0, 1.0, 3.3]
    heard = [
        VoiceQuality(length, 20.0, 0.0, (3500.0, 8000.0)[number % 3 == 0], length)
        for number, length in enumerate(seconds)
    ]
    outcomes = tuple(
        Acquired(vector, asdict(quality))
        for vector, quality in zip(templates(6, 2), heard, strict=True)
    )
    correction = SpreadCorrection(slope=0.3, both_narrow=0.2, one_narrow=-0.1)
    compared = compare_all_samples(Samples(plain_samples.files, outcomes, correction))
    for pairs in (compared.comparisons.mated, compared.comparisons.non_mated):
        for score, i, j in zip(pairs.scores, pairs.first, pairs.second, strict=True):
            cosine = float(outcomes[i].vector @ outcomes[j].vector)
            expected = correction.corrected(cosine, heard[i], heard[j])
            assert math.isclose(score, expected, abs_tol=1e-5)


def test_cautious_thresholds_keep_their_rate_in_most_resamplings_of_the_people() -> None:
    compared = compare_all_samples(samples(templates(40, 4), 4))
    plainly, _ = rate_comparisons(compared, Question(PROVENANCE, 1e-2), [])
    cautiously, curves = rate_comparisons(compared, Question(PROVENANCE, 1e-2, cautious=True), [])
    assert plainly.decision is not None
    assert cautiously.decision is not None
    threshold = cautiously.decision.threshold
    assert threshold > plainly.decision.threshold
    assert cautiously.decision.fmr.interval.high <= 1.1e-2
    column = int(np.searchsorted(curves.replicates.grid, np.float32(threshold)))
    assert (curves.replicates.fmr[:, column] <= 1e-2).mean() >= 0.95
    assert (curves.replicates.fmr[:, column - 1] <= 1e-2).mean() < 0.95
