from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perse.domain.references import Template
from perse.evaluation.acquisition import Acquired, Failed, Outcome
from perse.evaluation.sample_files import SampleFile
from perse.evaluation.samples import Samples, compare_all_samples, compare_trials
from perse.evaluation.trial_lists import Trial
from tests.recognisable import HOPELESS, MODEL, SCALE, template


def samples(*outcomes: Outcome) -> Samples:
    files = (SampleFile(Path(f"{n}.jpg"), f"{n}.jpg", f"p{n // 2}") for n in range(len(outcomes)))
    return Samples(tuple(files), outcomes, recognisability=MODEL)


def acquired(of: Template) -> Acquired:
    told = MODEL.of(of)
    assert told is not None
    return Acquired(of.vector, {"recognisability": told})


def test_faces_score_as_the_server_compares_them() -> None:
    made = [template(1, 0.2 * n, 0.3 * n) for n in range(3)] + [template(1, 0, traits=HOPELESS)]
    measured = samples(*map(acquired, made))
    found = compare_all_samples(measured).comparisons
    trials = [Trial(0, 1, mated=True), Trial(2, 3, mated=False)]
    listed = compare_trials(measured, trials).comparisons
    for pairs in (found.mated, found.non_mated, listed.mated, listed.non_mated):
        for score, one, other in zip(pairs.scores, pairs.first, pairs.second, strict=True):
            seen = SCALE.resemblance(made[one], made[other])
            expected = SCALE.points.similarity(float(score)) if seen.assessable else 0.0
            assert seen.similarity == pytest.approx(expected, abs=1e-5)
            assert bool(score > -1) == seen.assessable
    assert len(found.mated) + len(found.non_mated) + found.unlisted == 6


def test_where_no_file_gave_a_template_nothing_is_compared() -> None:
    nothing = Failed("no_face_detected", "there is no face")
    found = compare_all_samples(samples(nothing, nothing)).comparisons
    assert (len(found.mated), len(found.non_mated)) == (0, 0)
    assert np.count_nonzero(found.histogram) == 0
