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
    share = weights / weights.sum()
    design = np.stack((raw, np.ones_like(raw)), axis=1)
    theta = np.zeros(2)
    loss = _log_loss(design @ theta, target, share)
    for _ in range(rounds):
        chance = 1 / (1 + np.exp(-np.clip(design @ theta, -50, 50)))
        slope = design.T @ (share * (chance - target))
        bend = (design * (share * chance * (1 - chance))[:, None]).T @ design
        step = np.linalg.solve(bend + 1e-9 * np.eye(2), slope)
        better = theta - step
        while (tried := _log_loss(design @ better, target, share)) > loss and np.any(step):
            step = step / 2 if np.abs(step).max() > 1e-12 else step * 0
            better = theta - step
        theta, gain, loss = better, loss - tried, tried
        if gain < 1e-12:
            break
    return float(theta[0]), float(theta[1])


def _log_loss(odds: Scores, target: Scores, share: Scores) -> float:
    return float((share * (np.logaddexp(0, odds) - target * odds)).sum())


def threshold_at_bpcer(
    bona_fide: Scores, bona_fide_groups: NDArray[np.str_], target: float
) -> float:
    """The raw threshold whose BPCER is ``target`` in the worse group, between scores linearly."""
    groups = [bona_fide[bona_fide_groups == g] for g in np.unique(bona_fide_groups)]
    return min(float(np.quantile(g, target)) for g in groups)


def threshold_midway(
    bona_fide: Scores, bona_fide_groups: NDArray[np.str_], attacks: Scores, target: float
) -> float:
    """Half way between the thresholds of BPCER = ``target`` (worse group) and APCER = target.

    But not where the BPCER would be over ``target`` or under half of it: the attacks are of two
    people, and another two's may be far higher or lower.
    """
    of_live = threshold_at_bpcer(bona_fide, bona_fide_groups, target)
    midway = (of_live + float(np.quantile(attacks, 1 - target))) / 2
    return float(
        np.clip(midway, threshold_at_bpcer(bona_fide, bona_fide_groups, target / 2), of_live)
    )
