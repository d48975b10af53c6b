"""Error rates of face and voice comparison, with what the data can carry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perse.domain.decisions import fmr_key
from perse.errors import InvalidParameter
from perse.evaluation.comparisons import Comparisons
from perse.evaluation.error_rates import PairScores
from perse.evaluation.groups import Group, among
from perse.evaluation.intervals import (
    Interval,
    Replicates,
    interval_of,
    replicate_rates,
    threshold_grid,
)
from perse.evaluation.quality_error import error_by_discard
from perse.evaluation.results import (
    DECADES,
    ComparisonResult,
    Failure,
    GroupRates,
    NamedPair,
    Provenance,
    Rate,
    RatesAtFmr,
    RatesAtThreshold,
)
from perse.evaluation.samples import Compared, Samples
from perse.evaluation.shares import share_of

_WORST = 20


@dataclass(frozen=True, slots=True)
class Question:
    """``fmr``: what the decision threshold aims at, where the data can carry it. ``served``: the
    threshold the server uses (a score) and the FMR stated for it. ``cautious``: thresholds are the
    lowest ones that keep their rate in 95 of 100 resamplings of the people, instead of in the
    pairs at hand."""

    provenance: Provenance
    fmr: float
    served: tuple[float, float] | None = None
    left_out: int = 0
    notes: tuple[str, ...] = ()
    cautious: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """What the plots show: counts of all non-mated scores by bin over -1..1, the mated scores, and
    the replicates of both rates by threshold."""

    non_mated_counts: NDArray[np.int64]
    rates: PairScores
    replicates: Replicates


def rate_comparisons(
    compared: Compared, question: Question, groups: list[Group]
) -> tuple[ComparisonResult, Curves]:
    """Raises InvalidParameter when pairs of one kind are missing altogether."""
    rates = compared.comparisons.rates()
    judge, thresholds = _judged(compared.comparisons, rates, question)
    points = tuple(judge.point(fmr, threshold) for fmr, threshold in thresholds.items())
    decision = _decision(points, question.fmr)
    threshold = decision.rates.threshold if decision and decision.rates else None
    result = ComparisonResult(
        provenance=question.provenance,
        people=len({file.person for file in compared.samples.files}),
        files=len(compared.samples.files),
        left_out=question.left_out,
        mated_pairs=rates.mated.size,
        non_mated_pairs=rates.non_mated_count,
        smallest_supported_fmr=rates.smallest_supported_fmr,
        failure_to_acquire=failure_to_acquire(compared.samples),
        failures=failures_of(compared.samples),
        equal_error_rate=judge.equal_error_rate(),
        equal_error_rate_interval=judge.equal_error_rate_interval(),
        points=points,
        decision_fmr=decision.target_fmr if decision else None,
        decision=decision.rates if decision else None,
        served=judge.at_served(question.served),
        served_fmr=question.served[1] if question.served else None,
        fnmr_with_failures=_fnmr_with_failures(compared, decision.rates if decision else None),
        groups=tuple(_group(compared, group, threshold) for group in groups),
        worst_false_matches=_highest(compared, threshold),
        worst_false_non_matches=_lowest(compared, threshold),
        quality=error_by_discard(compared, threshold) if threshold is not None else (),
        notes=question.notes,
    )
    return result, Curves(compared.comparisons.histogram, rates, judge.replicates)


def rates_at(comparisons: Comparisons, threshold: float) -> RatesAtThreshold | None:
    """With their intervals; None where pairs of one kind are missing."""
    try:
        rates = comparisons.rates()
    except InvalidParameter:
        return None
    replicates = replicate_rates(comparisons, np.array([threshold], np.float32))
    return _Judge(comparisons, rates, replicates).at(threshold)


def _judged(
    comparisons: Comparisons, rates: PairScores, question: Question
) -> tuple[_Judge, dict[float, float | str]]:
    """The judge, and by rate the threshold, or why the data cannot tell; the highest rate first."""
    thresholds = {fmr: _threshold(rates, fmr) for fmr in _targets(rates, question.fmr)}
    told = [found for found in thresholds.values() if isinstance(found, float)]
    served = [question.served[0]] if question.served else []
    replicates = replicate_rates(comparisons, threshold_grid(comparisons, *told, *served))
    if question.cautious:
        thresholds = {fmr: _cautious(replicates, fmr, at) for fmr, at in thresholds.items()}
    return _Judge(comparisons, rates, replicates), thresholds


def _targets(rates: PairScores, wanted: float) -> list[float]:
    """Rates to list, the highest first; of very many pairs only the highest scores are known,
    enough for all but the highest rates."""
    known = rates.non_mated.size / rates.non_mated_count
    every = sorted({*DECADES, wanted}, reverse=True)
    return [fmr for fmr in every if not rates.unlisted or fmr < known]


def failure_to_acquire(samples: Samples) -> Rate:
    """Share of the files that gave no template."""
    failed = np.ones(len(samples.files), np.bool_)
    failed[samples.usable] = False
    people = [file.person for file in samples.files]
    return share_of(failed, people)


def failures_of(samples: Samples) -> tuple[Failure, ...]:
    """The files that gave no template, and why."""
    return tuple(
        Failure(file.name, failed.code, failed.message) for file, failed in samples.failures
    )


@dataclass(frozen=True, slots=True)
class _Judge:
    """Rates with their intervals at thresholds of the replicates' grid."""

    comparisons: Comparisons
    rates: PairScores
    replicates: Replicates

    def at(self, threshold: float) -> RatesAtThreshold:
        column = int(np.searchsorted(self.replicates.grid, np.float32(threshold)))
        fmr, fnmr = self.rates.fmr(threshold), self.rates.fnmr(threshold)
        mated_people = np.unique(self.comparisons.person[self.comparisons.mated.first]).size
        matches, misses = self.replicates.fmr[:, column], self.replicates.fnmr[:, column]
        return RatesAtThreshold(
            threshold,
            _rate(fmr, matches, of=self.rates.non_mated_count, trials=self.rates.non_mated_count),
            _rate(fnmr, misses, of=self.rates.mated.size, trials=mated_people),
        )

    def point(self, fmr: float, threshold: float | str) -> RatesAtFmr:
        if isinstance(threshold, str):
            return RatesAtFmr(fmr, threshold, None)
        return RatesAtFmr(fmr, "", self.at(threshold))

    def at_served(self, served: tuple[float, float] | None) -> RatesAtThreshold | None:
        try:
            return self.at(served[0]) if served else None
        except InvalidParameter:
            return None

    def equal_error_rate(self) -> float | None:
        try:
            return self.rates.equal_error_rate()
        except InvalidParameter:
            return None

    def equal_error_rate_interval(self) -> Interval | None:
        observed = self.equal_error_rate()
        replicated = self.replicates.equal_error_rates()
        if observed is None or not np.isfinite(replicated).any():
            return None
        people = self.comparisons.people
        return interval_of(replicated, observed=observed, trials=people)


def _rate(share: float, replicated: NDArray[np.float64], *, of: int, trials: int) -> Rate:
    interval = interval_of(replicated, observed=share, trials=trials)
    return Rate(round(share * of), of, share, interval)


def _threshold(rates: PairScores, fmr: float) -> float | str:
    """The threshold, or why the data cannot tell."""
    try:
        return rates.threshold_for_fmr(fmr)
    except InvalidParameter as refused:
        return refused.message


def _cautious(replicates: Replicates, fmr: float, plain: float | str) -> float | str:
    if isinstance(plain, str):
        return plain
    found = replicates.cautious_threshold(fmr)
    if found is None:
        return f"no threshold keeps FMR {fmr_key(fmr)} in 95 of 100 resamplings of the people"
    return max(found, plain)


def _decision(points: tuple[RatesAtFmr, ...], wanted: float) -> RatesAtFmr | None:
    """The point asked for, else the smallest rate above it that the data carries."""
    carried = [point for point in points if point.rates and point.target_fmr >= wanted]
    return carried[-1] if carried else None


def _fnmr_with_failures(compared: Compared, decision: RatesAtThreshold | None) -> float | None:
    if decision is None:
        return None
    missed = decision.fnmr.errors + compared.mated_lost
    return missed / (decision.fnmr.trials + compared.mated_lost)


def _group(compared: Compared, group: Group, threshold: float | None) -> GroupRates:
    files = [
        file for file, member in zip(compared.samples.files, group.members, strict=True) if member
    ]
    failed = {file.name for file, _ in compared.samples.failures}
    inside = among(compared.comparisons, group.members[compared.samples.usable])
    return GroupRates(
        group.attribute,
        group.value,
        len({file.person for file in files}),
        share_of(
            np.array([file.name in failed for file in files], np.bool_),
            [file.person for file in files],
        ),
        _group_fmr(inside, threshold),
        _group_fnmr(inside, threshold),
    )


def _group_fmr(inside: Comparisons, threshold: float | None) -> Rate | None:
    pairs = len(inside.non_mated) + inside.unlisted
    if threshold is None or not pairs:
        return None
    matches = int((inside.non_mated.scores >= np.float32(threshold)).sum())
    grid = np.array([threshold], np.float32)
    return _rate(matches / pairs, replicate_rates(inside, grid).fmr[:, 0], of=pairs, trials=pairs)


def _group_fnmr(inside: Comparisons, threshold: float | None) -> Rate | None:
    if threshold is None or not len(inside.mated):
        return None
    missed = inside.mated.scores < np.float32(threshold)
    people = inside.person[inside.mated.first]
    return share_of(missed, [str(person) for person in people])


def _highest(compared: Compared, threshold: float | None) -> tuple[NamedPair, ...]:
    pairs = compared.comparisons.non_mated
    order = np.argsort(-pairs.scores, kind="stable")[:_WORST]
    return tuple(
        pair for pair in _named(compared, order, mated=False) if pair.score >= (threshold or -1)
    )


def _lowest(compared: Compared, threshold: float | None) -> tuple[NamedPair, ...]:
    pairs = compared.comparisons.mated
    order = np.argsort(pairs.scores, kind="stable")[:_WORST]
    return tuple(
        pair for pair in _named(compared, order, mated=True) if pair.score < (threshold or 1)
    )


def _named(compared: Compared, order: NDArray[np.intp], *, mated: bool) -> list[NamedPair]:
    pairs = compared.comparisons.mated if mated else compared.comparisons.non_mated
    return [
        NamedPair(
            compared.name(int(pairs.first[k])),
            compared.name(int(pairs.second[k])),
            round(float(pairs.scores[k]), 4),
        )
        for k in order
    ]
