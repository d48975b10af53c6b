"""Fit what tells how recognisable a capture is, and what two captures owe to shared damage.

    python -m training.recognisability.captures fit
    python -m training.recognisability.captures fit_mated none
    python -m training.recognisability.fit

writes src/perse/weights/shipped/recognisability.toml and NAME_directions.npy of both embedders. No
single person's template ships: a direction is a mean over the people of the part "fit".
"""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
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
# What a correction may cost, and what it must keep: shares of pairs.
_MAY_BE_LOST, _NAMED_FMR, _OTHER_FMR = 0.003, 3e-4, 1e-3
# Three of four treatments keep it that the fit has not seen.
_MOST = 75
_SURPLUSES, _WEIGHTS = (0.0, 0.03, 0.06), (0.6, 0.7, 0.8, 1.0, 1.2)
_CUSHIONS = (0.0, 0.01, 0.02, 0.03, 0.04)
_DOUBTS = tuple(product((0.0, 0.03, 0.06), (0.09, 0.12, 0.15, 0.2, 0.4)))
_LEAST = 0.35
# A direction is a mean over at least so many people.
_FEWEST = 50
_NO_SHARING = Sharing(surplus=0.0, weight=0.0, cushion=0.0, no_doubt=0.0, full_doubt=1.0)


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
    return Recognisability(directions, typical, *ranges, weights.tolist(), _LEAST, _NO_SHARING)


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


def choose_sharing(bank: Bank, untreated: Captures, threshold: float) -> Sharing:
    """The correction that loses fewest mated pairs among those that go least beyond the limits: of
    the false match rate in the bank, of that of treatments that the fit has not seen, and of what
    ``untreated`` pairs may lose."""
    model = fit_model(bank, threshold)
    inside = {name: Pairs(model, captures, threshold) for name, captures in bank.items()}
    outside = [
        Pairs(fit_model(_without(bank, name), threshold), bank[name], threshold)
        for name in bank
        if name != UNTREATED
    ]
    good = Pairs(model, untreated, threshold)

    def judged(sharing: Sharing) -> tuple[float, float]:
        decision = sharing, _LEAST
        rates = {name: pairs.rates(decision) for name, pairs in inside.items()}
        # Two pairs more or less are chance.
        known = max(
            (fmr - 2 * inside[name].one_stranger) / (_OTHER_FMR if name in FURTHER else _NAMED_FMR)
            for name, (fmr, _) in rates.items()
        )
        unseen = float(np.percentile([it.rates(decision)[0] for it in outside], _MOST))
        lost = good.rates(None)[1] - good.rates(decision)[1]
        beyond = max(1.0, known, unseen / _OTHER_FMR, lost / _MAY_BE_LOST)
        return round(beyond, 1), -float(np.nanmean([matched for _, matched in rates.values()]))

    return min(_every_sharing(), key=judged)


def _every_sharing() -> Iterator[Sharing]:
    for surplus, weight, cushion, doubts in product(_SURPLUSES, _WEIGHTS, _CUSHIONS, _DOUBTS):
        yield Sharing(surplus, weight, cushion, *doubts)


def _without(bank: Bank, name: str) -> Bank:
    return {other: captures for other, captures in bank.items() if other != name}


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit recognisability for both packs.")
    add_arguments(parser)
    given = parser.parse_args()
    tables = []
    for pack in PACKS:
        catalogue = load_catalog()
        embedder = catalogue.cards_of(pack)["face_embedder"].name
        found, threshold = read_bank(given.captures, "fit", pack, BANK), cosine_at(embedder)
        bank = {name: captures for name, captures in found.items() if len(captures) >= _FEWEST}
        untreated = read_bank(given.captures, "fit_mated", pack, (UNTREATED,))[UNTREATED]
        sharing = choose_sharing(bank, untreated, threshold)
        model = replace(fit_model(bank, threshold), sharing=sharing)
        np.save(SHIPPED / f"{embedder}_directions.npy", model.directions)
        tables.append(_table(embedder, model, bank))
        print(f"{pack}: {model.sharing}, least {model.least}")
        report(model, bank, threshold)
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
surplus = {sharing.surplus}
weight = {sharing.weight}
cushion = {sharing.cushion}
no_doubt = {sharing.no_doubt}
full_doubt = {sharing.full_doubt}
"""


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(float(value), 4) for value in values]


if __name__ == "__main__":
    main()
