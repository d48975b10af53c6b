"""Fit what tells how recognisable a capture is, and what two captures owe to shared damage.

    python -m training.recognisability.captures fit
    python -m training.recognisability.captures more none burnt motion_15 jpeg_5
    python -m training.recognisability.captures --every 2 more mask sunglasses shrunk_30
    python -m training.recognisability.captures fit_mated none
    python -m training.recognisability.fit

writes src/perse/weights/shipped/recognisability.toml, NAME_directions.npy and NAME_tellers.npy of
both embedders. No single person's template ships: directions and tellers are made of means over the
people of the parts "fit" and "more", and of how these spread.
"""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from perse.domain.recognisability import (
    MEASURES,
    Recognisability,
    Sharing,
    Values,
    Vectors,
    doubt_of,
    measures,
)
from perse.weights.catalogue import load_catalog
from training.recognisability.bank import BANK, FURTHER, MILD, UNTREATED
from training.recognisability.captures import PACKS, Captures, add_arguments, joined, read_bank
from training.recognisability.held_out import Fit, told_by_others
from training.recognisability.rates import (
    Bank,
    Pairs,
    Told,
    cosine_at,
    recognised,
    report,
    told_of,
)

SHIPPED = Path("src/perse/weights/shipped")
# Untreated captures count this often: they are what is mostly seen.
_UNTREATED_COUNTS = 4.0
_RIDGE = 1e-3
_ROUNDS = 60


@dataclass(frozen=True, slots=True)
class Choice:
    """What is not fitted. ``none_counts``: no damage is taken to be so many times as likely as each
    treatment; ``mild_fmr``: the share of strangers who may match under a treatment in which one
    person should go on matching."""

    none_counts: float
    mild_fmr: float


CHOICES = {"standard": Choice(4, 2.2e-4), "compact": Choice(32, 1.8e-4)}
# 3e-4 and 1e-3 are wanted, of people whom the fit has not seen. Where one person hardly matches
# anyway, little is lost by strictness.
_NAMED_FMR, _OTHER_FMR = 1.3e-4, 6e-4
_SHOULD_MATCH = MILD - {"motion_15"}
# The recognisability below which a comparison tells nothing, and what is taken off for damage that
# the fit has not seen.
_LEAST = 0.2
_CUSHION, _MOST = 0.08, 75
_ROUNDS_OF_SURPLUS, _HALVINGS, _LARGEST_ROOT = 2, 10, 0.7
_SPREAD_RIDGE = 0.02
# A direction is a mean over at least so many people.
_FEWEST = 50


def steps_of(bank: Bank) -> Vectors:
    """From the mean of untreated captures to that of each treatment's."""
    middle = bank[UNTREATED].vectors.mean(axis=0)
    return np.array([it.vectors.mean(axis=0) - middle for it in _treated(bank)], np.float32)


def directions_of(bank: Bank) -> Vectors:
    """The same, of unit length."""
    steps = steps_of(bank)
    return np.asarray(steps / np.linalg.norm(steps, axis=1, keepdims=True), np.float32)


def fit_model(bank: Bank, threshold: float, choice: Choice) -> Recognisability:
    """Logistic regression of whether a capture is recognised in a good picture, and what tells the
    treatments; what these are still worth is not known yet."""
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
    nothing = Sharing(np.zeros((0, directions.shape[1] + 2)), directions[:0], np.zeros(0), 0.0)
    model = Recognisability(directions, typical, *ranges, weights.tolist(), _LEAST, nothing)
    no_surplus = np.zeros(len(directions))
    sharing = Sharing(tellers_of(bank, model, choice), steps_of(bank), no_surplus, _CUSHION)
    return replace(model, sharing=sharing)


def measures_of(captures: Captures, directions: Vectors, typical_length: float) -> Values:
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


def with_worth(
    model: Recognisability,
    bank: Bank,
    told: Mapping[str, Told],
    threshold: float,
    choice: Choice,
) -> Recognisability:
    """Of each treatment the least that makes strangers match as seldom as they may. ``told``: of
    the captures, by models of other people."""
    names, steps = _names(bank), model.sharing.steps
    harmless = np.array([name in MILD for name in names])
    sharing = replace(model.sharing, steps=np.where(harmless[:, None], 0, steps))
    pairs = [Pairs(bank[name], told[name], threshold) for name in names]
    # What one treatment takes off is taken off its neighbours, too.
    for _ in range(_ROUNDS_OF_SURPLUS):
        for index, name in enumerate(names):
            enough = partial(_seldom, pairs[index], model.least, _may_match(name, choice))
            sharing = _with_least(sharing, index, steps[index], enough)
    return replace(model, sharing=sharing)


def _seldom(pairs: Pairs, least: float, may_match: float, sharing: Sharing) -> bool:
    return pairs.rates((sharing, least))[0] <= may_match


def _with_least(
    sharing: Sharing, index: int, step: Values, enough: Callable[[Sharing], bool]
) -> Sharing:
    """Nothing more, else its step taken out of templates, else that and a surplus, by halving."""

    def having(root: float) -> Sharing:
        surplus = sharing.surplus.copy()
        surplus[index] = root
        return replace(sharing, surplus=surplus)

    if enough(having(0)):
        return having(0)
    steps = sharing.steps.copy()
    steps[index] = step
    sharing = replace(sharing, steps=steps)
    low, high = 0.0, _LARGEST_ROOT
    if enough(having(low)):
        return having(low)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(having(middle)) else (middle, high)
    return having(high)


def tellers_of(bank: Bank, model: Recognisability, choice: Choice) -> Values:
    """Linear discriminants of each treatment against none, by template and doubt: the spread around
    the means is taken to be the same everywhere."""
    seen = [_told_by(captures, model) for captures in (bank[UNTREATED], *_treated(bank))]
    means = np.array([values.mean(axis=0) for values in seen])
    spread = np.mean([np.cov(values.T, bias=True) for values in seen], axis=0)
    spread += _SPREAD_RIDGE * np.diag(np.diag(spread))
    good, treated = means[0], means[1:]
    weights = np.linalg.solve(spread, (treated - good).T).T
    constants = -((treated + good) * weights).sum(axis=1) / 2 - np.log(choice.none_counts)
    return np.column_stack((weights, constants)).astype(np.float32)


def _told_by(captures: Captures, model: Recognisability) -> Values:
    known = model.of_all(captures.vectors, captures.lengths, captures.mirror_cosines)
    return np.column_stack((captures.vectors.astype(np.float64), doubt_of(known)))


def _treated(bank: Bank) -> Iterator[Captures]:
    return (captures for name, captures in bank.items() if name != UNTREATED)


def _may_match(name: str, choice: Choice) -> float:
    if name in _SHOULD_MATCH:
        return choice.mild_fmr
    return _OTHER_FMR if name in FURTHER else _NAMED_FMR


def unseen(bank: Bank, sharing: Sharing, fit: Fit, threshold: float) -> dict[str, float]:
    """Share of strangers who match under each treatment, where neither the recognisability nor what
    tells treatments has seen it; the surplus of the others is as ``sharing`` has it."""
    found = {}
    for index, name in enumerate(_names(bank)):
        others = _without(bank, name)
        model = fit(others)
        worth = np.delete(sharing.steps, index, axis=0), np.delete(sharing.surplus, index)
        less = replace(model.sharing, steps=worth[0], surplus=worth[1])
        told = told_of(model, bank[name])
        found[name] = Pairs(bank[name], told, threshold).rates((less, model.least))[0]
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
        embedder = load_catalog().cards_of(pack)["face_embedder"].name
        bank, threshold = _everybody(given.captures, pack), cosine_at(embedder)
        fit = partial(fit_model, threshold=threshold, choice=CHOICES[pack])
        told = told_by_others(bank, fit)
        model = with_worth(fit(bank), bank, told, threshold, CHOICES[pack])
        np.save(SHIPPED / f"{embedder}_directions.npy", model.directions)
        np.save(SHIPPED / f"{embedder}_tellers.npy", model.sharing.tellers)
        tables.append(_table(embedder, model, bank))
        print(f"\n{pack}, least recognisability {model.least}; told by models of other people")
        report(model, bank, threshold, told)
        report(model, read_bank(given.captures, "fit_mated", pack, (UNTREATED,)), threshold)
        print(f"surplus: {dict(zip(_names(bank), _rounded(model.sharing.surplus), strict=True))}")
        if given.unseen:
            rates = unseen(bank, model.sharing, fit, threshold)
            print(f"of three in four unseen: {np.percentile(list(rates.values()), _MOST):.1e}")
            print({name: f"{rate:.1e}" for name, rate in rates.items()})
    (SHIPPED / "recognisability.toml").write_text("\n".join(tables), encoding="utf-8")


def _everybody(folder: Path, pack: str) -> Bank:
    """Captures of those treatments that leave enough of them."""
    some, more = (read_bank(folder, part, pack, BANK) for part in ("fit", "more"))
    bank = {name: joined(it, more[name]) if name in more else it for name, it in some.items()}
    return {name: captures for name, captures in bank.items() if len(captures) >= _FEWEST}


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
reach = {_rounded(np.linalg.norm(sharing.steps, axis=1))}
surplus = {_rounded(sharing.surplus)}
cushion = {sharing.cushion}
"""


def _names(bank: Bank) -> list[str]:
    return [name for name in bank if name != UNTREATED]


def _rounded(values: Iterable[float]) -> list[float]:
    return [round(float(value), 4) for value in values]


if __name__ == "__main__":
    main()
