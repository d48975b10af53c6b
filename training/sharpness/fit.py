"""Fit the weights of the sharpness measure to what known blur does to recognition.

    python training/sharpness/fit.py MEASURED.npz

The target of an example is the cosine c between the templates of a face before and after the
loss, as c^3.4, so that 0.3 stands for c = 0.7. Fitted on the people whose untouched picture has at
least the median detail, weights >= 0, JPEG left out (its blocks are no blur). 60 % of the people
fit, 40 % judge.
"""

from __future__ import annotations

import sys
from itertools import pairwise

import numpy as np
from scipy.optimize import minimize
from scipy.stats import spearmanr

EXPONENT = 3.4
SEED = 20261123
BLURS = ("gaussian", "motion", "resampling")
# Two values this close are the same: the wire has four digits and eyes have fewer.
SAME = 0.002


def main() -> None:
    table = dict(np.load(sys.argv[1]))
    people = np.unique(table["person"])
    np.random.default_rng(SEED).shuffle(people)
    fitting = np.isin(table["person"], people[: len(people) * 6 // 10])
    usable = has_detail(table) & (table["kind"] != "jpeg")
    target = np.clip(table["cosine"], 0, 1) ** EXPONENT
    weights, offset = fit(table["features"][usable & fitting], target[usable & fitting])
    print("WEIGHTS =", tuple(weights.round(3).tolist()), "OFFSET =", round(offset, 3))
    table["sharpness"] = 1 / (1 + np.exp(-(table["features"] @ weights + offset)))
    print(len(people), "people,", len(people) - len(people) * 6 // 10, "judge")
    judge(table, ~fitting & has_detail(table), "sharp originals")
    judge(table, ~fitting, "all originals")


def has_detail(table: dict[str, np.ndarray]) -> np.ndarray:
    untouched = table["kind"] == "none"
    detail = dict(
        zip(table["person"][untouched], table["features"][untouched].sum(axis=1), strict=True)
    )
    least = float(np.median(list(detail.values())))
    return np.array([detail.get(person, -np.inf) >= least for person in table["person"]])


def fit(features: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, float]:
    middle, spread = features.mean(axis=0), features.std(axis=0)
    scaled = (features - middle) / spread
    count = features.shape[1]

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        guess = 1 / (1 + np.exp(-np.clip(scaled @ values[:-1] + values[-1], -40, 40)))
        error = guess - target
        slope = 2 * error * guess * (1 - guess) / len(error)
        shrink = 1e-4 * np.append(values[:-1], 0)
        gradient = np.append(scaled.T @ slope, slope.sum()) + 2 * shrink
        return float((error**2).mean() + shrink @ values), gradient

    start = np.append(np.full(count, 2 / count), 0)
    bounds = [(0, None)] * count + [(None, None)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    weights = found.x[:-1] / spread
    return weights, float(found.x[-1] - weights @ middle)


def judge(table: dict[str, np.ndarray], chosen: np.ndarray, title: str) -> None:
    value, cosine, kind = (table[n][chosen] for n in ("sharpness", "cosine", "kind"))
    print(f"\n{title}: {chosen.sum()} examples")
    blurred = np.isin(kind, (*BLURS, "none"))
    print(f"  Spearman with the cosine {spearmanr(value[blurred], cosine[blurred])[0]:.3f}")
    for name in (*BLURS, "jpeg"):
        rho = spearmanr(value[kind == name], cosine[kind == name])[0]
        print(f"  {name}: Spearman {rho:.3f}, never rising {falling(table, chosen, name):.2%}")
    untouched = np.percentile(value[kind == "none"], (1, 5, 25, 50)).round(3)
    print("  untouched, percentiles 1 5 25 50:", untouched)
    edges = (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9, 1.01)
    for low, high in pairwise(edges):
        inside = cosine[blurred & (value >= low) & (value < high)]
        print(f"  {low:.1f}..{high:.1f}: {len(inside)}, cosine {inside.mean():.2f}")


def falling(table: dict[str, np.ndarray], chosen: np.ndarray, kind: str) -> float:
    """Share of steps to the next strength at which the sharpness does not rise."""
    steps: list[bool] = []
    for person in np.unique(table["person"][chosen]):
        own = (table["person"] == person) & np.isin(table["kind"], ("none", kind))
        order = np.argsort(table["strength"][own])
        steps.extend(np.diff(table["sharpness"][own][order]) <= SAME)
    return float(np.mean(steps))


if __name__ == "__main__":
    main()
