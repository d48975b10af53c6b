"""Shares of single trials, such as failures and PAD errors, with intervals over people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from perse.errors import InvalidParameter
from perse.evaluation.intervals import draws, interval_of
from perse.evaluation.results import Rate
from perse.evaluation.sample_files import numbers_of


def share_of(errors: NDArray[np.bool_], people: Sequence[str]) -> Rate:
    """Share of True in ``errors``; ``people[k]`` is whose trial k is. Raises InvalidParameter when
    there is no trial."""
    if not errors.size:
        raise InvalidParameter("a share of nothing is no number")
    person = numbers_of(people)
    wrong = np.bincount(person, errors.astype(np.float64))
    trials = np.bincount(person).astype(np.float64)
    replicated = np.array(
        [_share(float(drawn @ wrong), float(drawn @ trials)) for drawn in draws(len(trials))]
    )
    share = float(errors.mean())
    interval = interval_of(replicated, observed=share, trials=len(trials))
    return Rate(int(errors.sum()), errors.size, share, interval)


def _share(wrong: float, trials: float) -> float:
    return wrong / trials if trials else float("nan")
