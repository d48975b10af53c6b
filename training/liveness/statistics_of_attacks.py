"""Error rates of attack detection with intervals by person. Scores: higher = more bona fide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
People = NDArray[np.str_]
DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of errors and its 95 % interval, people drawn anew with replacement."""

    share: float
    low: float
    high: float
    presentations: int
    people: int

    def __str__(self) -> str:
        return (
            f"{100 * self.share:.1f} % [{100 * self.low:.1f}, {100 * self.high:.1f}] "
            f"of {self.presentations} ({self.people} people)"
        )


def rate(wrong: NDArray[np.bool_], people: People, seed: int = 1) -> Rate:
    """Bootstrap over people; with no error seen, the upper end is the rule of three by person."""
    names, index = np.unique(people, return_inverse=True)
    errors = np.bincount(index, wrong.astype(float))
    counts = np.bincount(index).astype(float)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(names), (DRAWS, len(names)))
    shares = errors[drawn].sum(1) / counts[drawn].sum(1)
    low, high = np.quantile(shares, (0.025, 0.975))
    if not wrong.any():
        high = min(1.0, 3.0 / len(names))
    return Rate(float(wrong.mean()), float(low), float(high), len(wrong), len(names))


def area_under_curve(bona_fide: Scores, attacks: Scores) -> float:
    """Chance that a bona fide score lies above an attack's, ties half."""
    both = np.concatenate((bona_fide, attacks))
    _, index, counts = np.unique(both, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    mine = ranks[index[: len(bona_fide)]].sum()
    n, m = len(bona_fide), len(attacks)
    return float((mine - n * (n + 1) / 2) / (n * m))


def platt(
    raw: Scores, bona_fide: NDArray[np.bool_], weights: Scores, *, rounds: int = 100
) -> tuple[float, float]:
    """a, b of ``sigmoid(a * raw + b)`` by Newton's method on the weighted log loss.

    Targets are drawn in by Platt's rule (Platt 1999), so that separable data stay finite.
    """
    up, down = float(bona_fide.sum()), float((~bona_fide).sum())
    target = np.where(bona_fide, (up + 1) / (up + 2), 1 / (down + 2))
    design = np.stack((raw, np.ones_like(raw)), axis=1)
    theta = np.array([1.0, 0.0])
    for _ in range(rounds):
        chance = 1 / (1 + np.exp(-np.clip(design @ theta, -50, 50)))
        slope = design.T @ (weights * (chance - target)) + np.array([1e-6, 0]) * theta
        bend = (design * (weights * chance * (1 - chance))[:, None]).T @ design
        step = np.linalg.solve(bend + 1e-9 * np.eye(2), slope)
        theta = theta - np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-9:
            break
    return float(theta[0]), float(theta[1])


def threshold_between(
    bona_fide: Scores, printed: Scores, bona_fide_groups: NDArray[np.str_], target: float
) -> float:
    """A raw threshold; ``target`` is the wanted largest BPCER and APCER.

    Highest t with BPCER <= target in every bona fide group; lowest t with APCER <= target. Where
    the classes lie apart the point half way between them, else the first: BPCER is kept.
    """
    groups = [bona_fide[bona_fide_groups == g] for g in np.unique(bona_fide_groups)]
    highest = min(float(np.quantile(g, target, method="lower")) for g in groups)
    lowest = float(np.quantile(printed, 1 - target, method="higher"))
    return (highest + lowest) / 2 if lowest < highest else highest
