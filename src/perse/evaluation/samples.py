"""The samples of one evaluation, compared with each other; failures keep their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perse.domain.recognisability import Recognisability
from perse.domain.stranger_spread import RecordedMany, SpreadCorrection
from perse.evaluation.acquisition import Acquired, Failed, Outcome
from perse.evaluation.all_against_all import Correct, Matrix, as_it_is, compare_all, histogram_of
from perse.evaluation.comparisons import Comparisons, Numbers, ScoredPairs
from perse.evaluation.error_rates import Scores
from perse.evaluation.sample_files import SampleFile, numbers_of
from perse.evaluation.trial_lists import Trial

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Samples:
    """Every file with its outcome; the spread correction of voices, and of faces the model of how
    recognisable they are, as far as there is one."""

    files: tuple[SampleFile, ...]
    outcomes: tuple[Outcome, ...]
    correction: SpreadCorrection | None = None
    recognisability: Recognisability | None = None

    @property
    def usable(self) -> list[int]:
        """Numbers of the files that gave a template."""
        return [n for n, outcome in enumerate(self.outcomes) if isinstance(outcome, Acquired)]

    @property
    def failures(self) -> list[tuple[SampleFile, Failed]]:
        pairs = zip(self.files, self.outcomes, strict=True)
        return [(file, outcome) for file, outcome in pairs if isinstance(outcome, Failed)]

    def acquired(self) -> list[Acquired]:
        return [outcome for outcome in self.outcomes if isinstance(outcome, Acquired)]


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """``comparisons`` number the usable files only: file k there is ``samples.usable[k]``.
    ``mated_lost``: mated pairs that a failure to acquire took."""

    samples: Samples
    comparisons: Comparisons
    mated_lost: int
    all_pairs: bool

    def name(self, number: int) -> str:
        return self.samples.files[self.samples.usable[number]].name


def compare_all_samples(samples: Samples) -> Compared:
    """Every usable file with every other one."""
    vectors = vectors_of(samples)
    person = numbers_of(samples.files[n].person for n in samples.usable)
    found = compare_all(vectors, person, correct=correction_of(samples))
    lost = _mated([file.person for file in samples.files]) - len(found.mated)
    return Compared(samples, found, lost, all_pairs=True)


def compare_trials(samples: Samples, trials: Sequence[Trial]) -> Compared:
    """The listed pairs only."""
    row_of = {number: position for position, number in enumerate(samples.usable)}
    whole = [trial for trial in trials if trial.first in row_of and trial.second in row_of]
    first = np.array([row_of[trial.first] for trial in whole], np.int32)
    second = np.array([row_of[trial.second] for trial in whole], np.int32)
    mated = np.array([trial.mated for trial in whole], np.bool_)
    pairs = ScoredPairs(_scores(samples, first, second), first, second)
    non_mated = pairs.chosen(~mated)
    comparisons = Comparisons(
        pairs.chosen(mated),
        non_mated,
        numbers_of(samples.files[n].person for n in samples.usable),
        histogram_of(non_mated.scores),
    )
    lost = sum(trial.mated for trial in trials) - int(mated.sum())
    return Compared(samples, comparisons, lost, all_pairs=False)


def vectors_of(samples: Samples) -> Matrix:
    """Of the usable files, usable files x values."""
    vectors = [sample.vector for sample in samples.acquired()]
    return np.stack(vectors) if vectors else np.empty((0, 1), np.float32)


def _scores(samples: Samples, first: Numbers, second: Numbers) -> Scores:
    vectors = vectors_of(samples)
    if samples.recognisability is not None:
        correct = _given_recognisability(samples, samples.recognisability)
        pairs = zip(map(_alone, first), map(_alone, second), strict=True)
        scores = [correct(vectors[one] @ vectors[other].T, one, other) for one, other in pairs]
        return np.clip(np.array(scores, np.float32).reshape(-1), -1, 1)
    cosines: Scores = np.clip((vectors[first] * vectors[second]).sum(axis=1), -1, 1)
    if samples.correction is None:
        return cosines
    corrected: Scores = samples.correction.corrected(
        cosines, _recorded(samples, first), _recorded(samples, second)
    )
    return corrected


def _alone(number: int) -> slice:
    return slice(number, number + 1)


def correction_of(samples: Samples) -> Correct:
    """What makes scores of the usable files' cosines, as the server has them."""
    if not samples.usable:
        return as_it_is
    if samples.recognisability is not None:
        return _given_recognisability(samples, samples.recognisability)
    if samples.correction is None:
        return as_it_is
    correction = samples.correction

    def correct(cosines: Matrix, rows: slice, columns: slice) -> Matrix:
        first = _recorded(samples, (rows, np.newaxis))
        second = _recorded(samples, (np.newaxis, columns))
        return correction.corrected(cosines, first, second).astype(np.float32)

    return correct


def _recorded(samples: Samples, chosen: Any) -> RecordedMany:  # noqa: ANN401 - numpy's own index
    measures = [sample.measures for sample in samples.acquired()]
    seconds = np.array([measure["net_speech_s"] for measure in measures])
    bandwidths_hz = np.array([measure["bandwidth_hz"] for measure in measures])
    return RecordedMany(seconds[chosen], bandwidths_hz[chosen])


def _given_recognisability(samples: Samples, model: Recognisability) -> Correct:
    """Cosines as the server has them; -1 where it cannot tell."""
    known = np.array([it.measures.get("recognisability", 1.0) for it in samples.acquired()])
    captured, told = model.captured(vectors_of(samples), known), known >= model.least

    def correct(cosines: Matrix, rows: slice, columns: slice) -> Matrix:
        raw = cosines.astype(np.float64)
        effective = model.corrected(raw, captured.of(rows), captured.of(columns))
        scores: Matrix = np.where(told[rows, None] & told[None, columns], effective, -1)
        return scores.astype(np.float32)

    return correct


def _mated(people: Sequence[str]) -> int:
    _, counts = np.unique(np.array(people, dtype=str), return_counts=True)
    return sum(comb(int(count), 2) for count in counts)
