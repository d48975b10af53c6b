"""What damage to all pictures does to the rates."""

from __future__ import annotations

import numpy as np

from perse.evaluation.comparison_rates import failure_to_acquire, rates_at
from perse.evaluation.results import Rate, TreatedRates
from perse.evaluation.samples import Compared, Samples
from perse.evaluation.shares import share_of


def rate_treated(treatment: str, compared: Compared, threshold: float) -> TreatedRates:
    """How often treated pictures err at ``threshold``, a score."""
    return TreatedRates(
        treatment,
        failure_to_acquire(compared.samples),
        _not_assessable(compared.samples),
        rates_at(compared.comparisons, threshold),
    )


def _not_assessable(samples: Samples) -> Rate | None:
    model, usable = samples.recognisability, samples.acquired()
    if model is None or not usable:
        return None
    known = np.array([it.measures.get("recognisability", 1.0) for it in usable])
    return share_of(known < model.least, [samples.files[n].person for n in samples.usable])
