"""How often captures of one treatment match each other, before a model of recognisability and with
it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from perse.domain.decisions import SimilarityScale, similarity_at_fmr
from perse.domain.recognisability import Recognisability, Sharing, Values
from perse.weights.catalogue import load_catalog
from training.recognisability.bank import UNTREATED
from training.recognisability.captures import Captures

FMR = 1e-4

Bank = Mapping[str, Captures]


def cosine_at(embedder: str) -> float:
    """The catalogue's threshold at FMR."""
    points = load_catalog().card(embedder).operating_points
    assert points is not None  # noqa: S101 - both are measured
    return SimilarityScale(points.points).cosine(similarity_at_fmr(FMR))


def recognised(captures: Captures, good: Captures, threshold: float) -> Values:
    """Share of the person's other good pictures that a capture matches; NaN where there is none."""
    cosines = captures.vectors @ good.vectors.T
    others = (captures.person[:, None] == good.person) & (captures.picture[:, None] != good.picture)
    count = others.sum(axis=1)
    matched = ((cosines >= threshold) & others).sum(axis=1)
    return np.where(count > 0, matched / np.maximum(count, 1), np.nan)


class Pairs:
    """All pairs of the captures of one treatment whose cosine reaches the threshold: a correction
    only lowers it."""

    def __init__(self, model: Recognisability, captures: Captures, threshold: float) -> None:
        known = model.of_all(captures.vectors, captures.lengths, captures.mirror_cosines)
        self._vectors, self._doubts = (
            captures.vectors,
            model.captured(captures.vectors, known).doubt,
        )
        cosines = np.asarray(captures.vectors @ captures.vectors.T, np.float64)
        once = np.triu(np.ones_like(cosines, np.bool_), k=1)
        mated = captures.person[:, None] == captures.person
        self._counts = int((once & ~mated).sum()), int((once & mated).sum())
        self._pairs = one, other = np.nonzero(once & (cosines >= threshold))
        self._cosines, self._mated = cosines[one, other], mated[one, other]
        self._known = np.minimum(known[one], known[other])
        self._threshold = threshold

    def rates(self, decision: tuple[Sharing, float] | None) -> tuple[float, float]:
        """Share of the strangers' and of the mated pairs that match, given the correction and the
        least recognisability; None = cosines as they are, and nothing is refused."""
        match = np.ones(len(self._cosines), np.bool_)
        if decision is not None:
            sharing, least = decision
            effective = self._cosines - self._taken(sharing)
            match = (effective >= self._threshold) & (self._known >= least)
        strangers, mated = self._counts
        share = (match & self._mated).sum() / mated if mated else np.nan
        return float((match & ~self._mated).sum() / strangers), float(share)

    def _taken(self, sharing: Sharing) -> Values:
        one, other = self._pairs
        surplus = sharing.surplus_of(self._vectors, self._doubts)
        doubt = np.minimum(self._doubts[one], self._doubts[other])
        return sharing.taken(surplus[one] * surplus[other], doubt)


def report(model: Recognisability, bank: Bank, threshold: float) -> None:
    """Print both rates of every treatment, both pictures treated alike, before and now."""
    print(f"{'':20} pictures faces | recognised told | FMR before      now | matched before   now")
    for name, captures in bank.items():
        pairs, share = (
            Pairs(model, captures, threshold),
            recognised(captures, bank[UNTREATED], threshold),
        )
        known = model.of_all(captures.vectors, captures.lengths, captures.mirror_cosines)
        (fmr, matched), (fmr_now, matched_now) = map(
            pairs.rates, (None, (model.sharing, model.least))
        )
        print(
            f"{name:20} {captures.listed:8} {len(captures):5} |"
            f" {np.nanmean(share):10.2f} {known[np.isfinite(share)].mean():4.2f} |"
            f" {fmr:10.5f}  {fmr_now:.5f} | {matched:14.3f} {matched_now:5.3f}"
        )
