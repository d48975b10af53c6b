"""Fit what tells how recognisable a capture is, and what two captures owe to shared damage.

    python -m training.recognisability.captures fit
    python -m training.recognisability.captures fit_mated none
    python -m training.recognisability.fit

writes src/perse/weights/shipped/recognisability.toml, NAME_directions.npy and NAME_tellers.npy of
both embedders. No single person's template ships: directions and tellers are made of means over the
people of the part "fit", and of how these spread.
"""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perse.domain.recognisability import MEASURES, Recognisability, Sharing, Values, measures
from perse.weights.catalogue import load_catalog
from training.recognisability.bank import BANK, FURTHER, UNTREATED
from training.recognisability.captures import PACKS, Captures, add_arguments, read_bank
from training.recognisability.rates import Bank, Pairs, cosine_at, recognised, report

SHIPPED = Path("src/perse/weights/shipped")
# Untreated captures count this often: they are what is mostly seen.
_UNTREATED_COUNTS = 4.0
_RIDGE = 1e-3
_ROUNDS = 60
# Shares of strangers who may match: 3e-4 and 1e-3 are wanted, of people whom the fit has not seen.
_NAMED_FMR, _OTHER_FMR = 2.7e-4, 9e-4
# Taken off for what the fit has not seen; three of four treatments then keep 1e-3.
_CUSHION, _MOST = 0.08, 75
_ROUNDS_OF_SURPLUS, _HALVINGS, _LARGEST_ROOT = 2, 10, 0.7
_SPREAD_RIDGE = 0.02
_LEAST = 0.35
# A direction is a mean over at least so many people.
_FEWEST = 50


def directions_of(bank: Bank) -> NDArray[np.float32]:
    """From the mean of untreated captures to that of each treatment's, of unit length."""
    middle = bank[UNTREATED].vectors.mean(axis=0)
    steps = [it.vectors.mean(axis=0) - middle for name, it in bank.items() if name != UNTREATED]
    return np.array([step / np.linalg.norm(step) for step in steps], np.float32)


def fit_model(bank: Bank, threshold: float) -> Recognisability:
    """Logistic regression of whether a capture is recognised in a good picture."""
    good, directions = bank[UNTREATED], directions_of(bank)
    typical = float(np.median(good.lengths))
    seen, hit, count = [], [], []
    for name, captures in bank.items():
        share = recognised(captures, good, threshold)
        told = np.isfinite(share)
        seen.append(measures_of(captures, directions, typical)[told])
        hit.append(share[told])
        count.append(np.full(int(told.sum()), _UNTREATED_COUNTS if name == UNTREATED else 1.0))
    everything = np.concatenate(seen)
    lowest, highest = np.percentile(everything, (0.5, 99.5), axis=0)
    weights = _logistic(
        np.clip(everything, lowest, highest), np.concatenate(hit), np.concatenate(count)
    )
    ranges = lowest.tolist(), highest.tolist()
    # As long as there is none.
    nothing = Sharing(np.zeros((0, directions.shape[1] + 2)), np.zeros(0), 0.0)
    return Recognisability(directions, typical, *ranges, weights.tolist(), _LEAST, nothing)


def measures_of(
    captures: Captures, directions: NDArray[np.float32], typical_length: float
) -> Values:
    near = np.maximum(captures.vectors @ directions.T, 0)
    return measures(near, captures.lengths / typical_length, captures.mirror_cosines)


def _logistic(seen: Values, hit: Values, count: Values) -> Values:
    """Intercept and weights by Newton's method, with a ridge on standardised measures."""
    mean, spread = seen.mean(axis=0), seen.std(axis=0)
    design = np.column_stack((np.ones(len(seen)), (seen - mean) / spread))
    ridge = np.diag([0.0] + [_RIDGE] * MEASURES)
    share, found = count / count.sum(), np.zeros(MEASURES + 1)
    for _ in range(_ROUNDS):
        chance = 1 / (1 + np.exp(-design @ found))
        slope = design.T @ (share * (hit - chance)) - ridge @ found
        curve = (design.T * (share * chance * (1 - chance))) @ design + ridge
        found = found + np.linalg.solve(curve, slope)
    weights = found[1:] / spread
    return np.concatenate(([found[0] - float(weights @ mean)], weights))


def fit_sharing(bank: Bank, model: Recognisability, threshold: float) -> Sharing:
    """Of each treatment the least surplus with which strangers match as seldom as they may."""
    names = _names(bank)
    pairs = [Pairs(model, bank[name], threshold) for name in names]
    sharing = Sharing(tellers_of(bank, model), np.zeros(len(names)), _CUSHION)
    # What one treatment takes off is taken off its neighbours, too.
    for _ in range(_ROUNDS_OF_SURPLUS):
        for index, name in enumerate(names):
            sharing = _with_least(sharing, index, pairs[index], _may_match(name))
    return sharing


def _with_least(sharing: Sharing, index: int, pairs: Pairs, may_match: float) -> Sharing:
    """By halving."""

    def having(root: float) -> Sharing:
        surplus = sharing.surplus.copy()
        surplus[index] = root
        return replace(sharing, surplus=surplus)

    low, high = 0.0, _LARGEST_ROOT
    if pairs.rates((having(low), _LEAST))[0] <= may_match:
        return having(low)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        enough = pairs.rates((having(middle), _LEAST))[0] <= may_match
        low, high = (low, middle) if enough else (middle, high)
    return having(high)


def tellers_of(bank: Bank, model: Recognisability) -> Values:
    """Linear discriminants of each treatment against none, by template and doubt: the spread around
    the means is taken to be the same everywhere, and every treatment as likely as none."""
    seen = [_told_by(captures, model) for captures in (bank[UNTREATED], *_treated(bank))]
    means = np.array([values.mean(axis=0) for values in seen])
    spread = np.mean([np.cov(values.T, bias=True) for values in seen], axis=0)
    spread += _SPREAD_RIDGE * np.diag(np.diag(spread))
    good, treated = means[0], means[1:]
    weights = np.linalg.solve(spread, (treated - good).T).T
    constants = -((treated + good) * weights).sum(axis=1) / 2
    return np.column_stack((weights, constants)).astype(np.float32)


def _told_by(captures: Captures, model: Recognisability) -> Values:
    known = model.of_all(captures.vectors, captures.lengths, captures.mirror_cosines)
    doubt = model.captured(captures.vectors, known).doubt
    return np.column_stack((captures.vectors.astype(np.float64), doubt))


def _treated(bank: Bank) -> Iterator[Captures]:
    return (captures for name, captures in bank.items() if name != UNTREATED)


def _may_match(name: str) -> float:
    return _OTHER_FMR if name in FURTHER else _NAMED_FMR


def unseen(bank: Bank, sharing: Sharing, threshold: float) -> dict[str, float]:
    """Share of strangers who match under each treatment, where neither the recognisability nor what
    tells treatments has seen it; the surplus of the others is as ``sharing`` has it."""
    found = {}
    for index, name in enumerate(_names(bank)):
        others = _without(bank, name)
        model = fit_model(others, threshold)
        surplus = np.delete(sharing.surplus, index)
        less = Sharing(tellers_of(others, model), surplus, sharing.cushion)
        found[name] = Pairs(model, bank[name], threshold).rates((less, _LEAST))[0]
    return found


def _without(bank: Bank, name: str) -> Bank:
    return {other: captures for other, captures in bank.items() if other != name}


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit recognisability for both packs.")
    add_arguments(parser)
    parser.add_argument("--unseen", action="store_true", help="and without each treatment, too")
    given = parser.parse_args()
    tables = []
    for pack in PACKS:
        catalogue = load_catalog()
        embedder = catalogue.cards_of(pack)["face_embedder"].name
        found, threshold = read_bank(given.captures, "fit", pack, BANK), cosine_at(embedder)
        bank = {name: captures for name, captures in found.items() if len(captures) >= _FEWEST}
        untreated = read_bank(given.captures, "fit_mated", pack, (UNTREATED,))[UNTREATED]
        model = fit_model(bank, threshold)
        model = replace(model, sharing=fit_sharing(bank, model, threshold))
        np.save(SHIPPED / f"{embedder}_directions.npy", model.directions)
        np.save(SHIPPED / f"{embedder}_tellers.npy", model.sharing.tellers)
        tables.append(_table(embedder, model, bank))
        print(f"\n{pack}, least recognisability {model.least}")
        report(model, bank, threshold)
        report(model, {UNTREATED: untreated}, threshold)
        print(f"surplus: {dict(zip(_names(bank), _rounded(model.sharing.surplus), strict=True))}")
        if given.unseen:
            rates = unseen(bank, model.sharing, threshold)
            print(f"of three in four unseen: {np.percentile(list(rates.values()), _MOST):.1e}")
            print({name: f"{rate:.1e}" for name, rate in rates.items()})
    (SHIPPED / "recognisability.toml").write_text("\n".join(tables), encoding="utf-8")


def _table(embedder: str, model: Recognisability, bank: Bank) -> str:
    sharing = model.sharing
    captures = sum(len(it) for it in bank.values())
    people = len(set(bank[UNTREATED].person.tolist()))
    return f"""# {embedder}: printed by training/recognisability/fit.py; docs/bad-pictures.md
[{embedder}]
typical_length = {model.typical_length:.4f}
# log length, mirror cosine, nearest direction, all directions
lowest = {_rounded(model.lowest)}
highest = {_rounded(model.highest)}
weights = {_rounded(model.weights)}
least = {model.least}
dataset = "Labeled Faces in the Wild, {people} people outside its test pairs"
treatments = {len(bank) - 1}
captures = {captures}
date = {datetime.datetime.now(datetime.UTC).date()}

[{embedder}.sharing]
# {", ".join(_names(bank))}
surplus = {_rounded(sharing.surplus)}
cushion = {sharing.cushion}
"""


def _names(bank: Bank) -> list[str]:
    return [name for name in bank if name != UNTREATED]


def _rounded(values: Iterable[float]) -> list[float]:
    return [round(float(value), 4) for value in values]


if __name__ == "__main__":
    main()
