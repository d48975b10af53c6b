"""How often captures of one treatment match each other, before a model of recognisability and with
it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from perse.domain.decisions import SimilarityScale, similarity_at_fmr
from perse.domain.recognisability import Recognisability, Sharing, Values, doubt_of
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


def recognised(
    captures: Captures, good: Captures, threshold: float, model: Recognisability | None = None
) -> Values:
    """Share of the person's other good pictures that a capture matches; NaN where there is none.
    ``model``: decides as the server does; without, the cosines as they are do."""
    cosines = np.asarray(captures.vectors @ good.vectors.T, np.float64)
    if model:
        cosines = _decided(model, cosines, captures, good)
    others = (captures.person[:, None] == good.person) & (captures.picture[:, None] != good.picture)
    count = others.sum(axis=1)
    matched = ((cosines >= threshold) & others).sum(axis=1)
    return np.where(count > 0, matched / np.maximum(count, 1), np.nan)


def _decided(model: Recognisability, cosines: Values, rows: Captures, columns: Captures) -> Values:
    """-1 where it cannot tell."""
    row, column = (
        model.of_all(it.vectors, it.lengths, it.mirror_cosines) for it in (rows, columns)
    )
    effective = model.corrected(
        cosines, model.captured(rows.vectors, row), model.captured(columns.vectors, column)
    )
    told = np.minimum(row[:, None], column[None, :]) >= model.least
    return np.where(told, effective, -1)


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What a model says of captures: how recognisable they are, and which treatments they may have
    had."""

    known: Values
    chances: Values


def told_of(model: Recognisability, captures: Captures) -> Told:
    known = model.of_all(captures.vectors, captures.lengths, captures.mirror_cosines)
    return Told(known, model.sharing.chances(captures.vectors, doubt_of(known)))


class Pairs:
    """All pairs of the captures of one treatment whose cosine reaches the threshold: a correction
    only lowers it."""

    def __init__(self, captures: Captures, told: Told, threshold: float) -> None:
        self._vectors, self._chances = captures.vectors, told.chances
        cosines = np.asarray(captures.vectors @ captures.vectors.T, np.float64)
        once = np.triu(np.ones_like(cosines, np.bool_), k=1)
        mated = captures.person[:, None] == captures.person
        self._counts = int((once & ~mated).sum()), int((once & mated).sum())
        self._pairs = one, other = np.nonzero(once & (cosines >= threshold))
        self._cosines, self._mated = cosines[one, other], mated[one, other]
        self._known = np.minimum(told.known[one], told.known[other])
        self._doubt = doubt_of(np.maximum(told.known[one], told.known[other]))
        self._threshold = threshold

    def rates(self, decision: tuple[Sharing, float] | None) -> tuple[float, float]:
        """Share of the strangers' and of the mated pairs that match, given the correction and the
        least recognisability; None = cosines as they are, and nothing is refused."""
        match = np.ones(len(self._cosines), np.bool_)
        if decision is not None:
            sharing, least = decision
            match = (self._effective(sharing) >= self._threshold) & (self._known >= least)
        strangers, mated = self._counts
        share = (match & self._mated).sum() / mated if mated else np.nan
        return float((match & ~self._mated).sum() / strangers), float(share)

    def _effective(self, sharing: Sharing) -> Values:
        one, other = self._pairs
        rest = sharing.rid(self._vectors, self._chances)
        left = np.minimum(self._cosines, np.einsum("ij,ij->i", rest[one], rest[other]))
        surplus = sharing.surplus_of(self._chances)
        effective: Values = left - sharing.taken(surplus[one] * surplus[other], self._doubt)
        return effective


def report(
    model: Recognisability, bank: Bank, threshold: float, told: Mapping[str, Told] | None = None
) -> None:
    """Print both rates of every treatment, both pictures treated alike, before and now. ``told``:
    of the captures, where it is not the model that is to say it."""
    columns = "pictures faces | recognised before   now told | FMR before      now"
    print(f"{'':20} {columns} | matched before   now")
    for name, captures in bank.items():
        said = told[name] if told else told_of(model, captures)
        pairs, known = Pairs(captures, said, threshold), said.known
        share, now = (recognised(captures, bank[UNTREATED], threshold, it) for it in (None, model))
        (fmr, matched), (fmr_now, matched_now) = map(
            pairs.rates, (None, (model.sharing, model.least))
        )
        print(
            f"{name:20} {captures.listed:8} {len(captures):5} |"
            f" {np.nanmean(share):17.3f} {np.nanmean(now):.3f}"
            f" {known[np.isfinite(share)].mean():4.2f} |"
            f" {fmr:10.5f}  {fmr_now:.5f} | {matched:14.3f} {matched_now:5.3f}"
        )
