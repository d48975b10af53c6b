"""Quality against error: does setting the worst samples aside lower FNMR?"""

from __future__ import annotations

import numpy as np

from perse.evaluation.results import Discard
from perse.evaluation.samples import Compared

_HIGHER_IS_BETTER = {
    "underexposure": False,
    "overexposure": False,
    "sharpness": True,
    "colour": False,
    "rotation": False,
    "inter_eye_px": True,
    "recognisability": True,
    "net_speech_s": True,
    "snr_db": True,
    "clipped_share": False,
    "bandwidth_hz": True,
}
_SHARES = tuple(share / 100 for share in range(0, 51, 2))
_LEAST_PAIRS = 20


def error_by_discard(compared: Compared, threshold: float) -> tuple[Discard, ...]:
    """One curve per measure that all samples have and that differs between them; a pair is as good
    as the worse of its samples. Empty for a handful of mated pairs."""
    samples, pairs = compared.samples.acquired(), compared.comparisons.mated
    if len(pairs) < _LEAST_PAIRS:
        return ()
    curves = []
    for measure, higher in _HIGHER_IS_BETTER.items():
        if not all(measure in sample.measures for sample in samples):
            continue
        values = np.array([sample.measures[measure] for sample in samples])
        one, other = values[pairs.first], values[pairs.second]
        worse = np.minimum(one, other) if higher else -np.maximum(one, other)
        if np.ptp(worse) > 0:
            missed = pairs.scores < np.float32(threshold)
            curves.append(Discard(measure, higher, _SHARES, _fnmr_by_share(worse, missed)))
    return tuple(curves)


def _fnmr_by_share(goodness: np.ndarray, missed: np.ndarray) -> tuple[float, ...]:
    best_last = missed[np.argsort(goodness, kind="stable")]
    return tuple(float(best_last[int(share * len(best_last)) :].mean()) for share in _SHARES)
