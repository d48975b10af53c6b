"""From an evaluation to operating points of this installation."""

from __future__ import annotations

import math

from perse.domain.decisions import fmr_key
from perse.errors import InvalidParameter
from perse.evaluation.intervals import Interval
from perse.evaluation.local_points import Kind, LocalPoint, LocalPoints
from perse.evaluation.results import (
    ComparisonResult,
    LivenessResult,
    PadRatesAtBpcer,
    RatesAtFmr,
    RatesAtThreshold,
)

_COSINE_DIGITS = 5
_PAD_DIGITS = 6
_LEAST_POINTS = 2


def calibrate_comparison(kind: Kind, result: ComparisonResult, fmr: float) -> LocalPoints:
    """Operating points at every rate that the data carries; defaults aim at ``fmr``.

    Raises InvalidParameter, in numbers, when the data cannot carry ``fmr``, or one rate only.
    """
    wanted = next((point for point in result.points if point.target_fmr == fmr), None)
    if wanted is None or wanted.rates is None:
        reason = wanted.refused if wanted else "it was not evaluated"
        raise InvalidParameter(
            f"no threshold for FMR {fmr_key(fmr)}: {reason}; aim at a higher rate, or add people"
        )
    points = _rising(result.points, keep=fmr)
    if len(points) < _LEAST_POINTS:
        raise InvalidParameter(
            f"{result.non_mated_pairs:,} non-mated pairs carry one operating point only, and a "
            "similarity scale needs two: add files of more people"
        )
    return LocalPoints(
        kind=kind,
        at=result.provenance.at,
        source=result.provenance.source,
        networks=dict(result.provenance.networks),
        made_with=result.provenance.made_with,
        people=result.people,
        trials=result.non_mated_pairs,
        default_rate=fmr,
        points=points,
    )


def calibrate_liveness(result: LivenessResult, bpcer: float) -> LocalPoints:
    """The operating point for ``bpcer``. Raises InvalidParameter when the data cannot carry it."""
    wanted = next((point for point in result.points if point.bpcer == bpcer), None)
    if wanted is None or wanted.rates is None:
        reason = wanted.refused if wanted else "it was not evaluated"
        raise InvalidParameter(
            f"no threshold for BPCER {bpcer:g}: {reason}; aim at a higher rate, or add pictures"
        )
    return LocalPoints(
        kind="liveness",
        at=result.provenance.at,
        source=result.provenance.source,
        networks=dict(result.provenance.networks),
        made_with=result.provenance.made_with,
        people=result.people,
        trials=result.bona_fide + result.attacks,
        default_rate=bpcer,
        points=(_pad_point(wanted),),
        species=wanted.rates.worst_species,
    )


def _rising(found: tuple[RatesAtFmr, ...], *, keep: float) -> tuple[LocalPoint, ...]:
    """Points whose thresholds rise as the rate falls; ``keep`` stays whatever ties with it."""
    chosen = [_point(at.target_fmr, at.rates) for at in found if at.rates]
    kept = next(point for point in chosen if point.rate == keep)
    rising: list[LocalPoint] = []
    for point in chosen:
        between = point is kept or (point.threshold < kept.threshold) == (point.rate > kept.rate)
        tied = point is not kept and point.threshold == kept.threshold
        if between and not tied and (not rising or point.threshold > rising[-1].threshold):
            rising.append(point)
    return tuple(rising)


def _point(fmr: float, rates: RatesAtThreshold) -> LocalPoint:
    """The threshold is rounded up, by more than answers round similarities, so that no more pairs
    match than were counted."""
    factor = 10**_COSINE_DIGITS
    return LocalPoint(
        rate=fmr,
        threshold=min(1.0, math.ceil(rates.threshold * factor + 0.5) / factor),
        false_accepts=rates.fmr.share,
        false_accepts_interval=_ends(rates.fmr.interval),
        false_rejects=rates.fnmr.share,
        false_rejects_interval=_ends(rates.fnmr.interval),
    )


def _pad_point(at: PadRatesAtBpcer) -> LocalPoint:
    rates = at.rates
    if rates is None:
        raise InvalidParameter(at.refused)
    factor = 10**_PAD_DIGITS
    return LocalPoint(
        rate=at.bpcer,
        threshold=math.floor(rates.threshold * factor) / factor,
        false_accepts=rates.apcer.share,
        false_accepts_interval=_ends(rates.apcer.interval),
        false_rejects=rates.bpcer.share,
        false_rejects_interval=_ends(rates.bpcer.interval),
    )


def _ends(interval: Interval) -> tuple[float, float]:
    return interval.low, interval.high
