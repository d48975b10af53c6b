"""Platt parameters and the threshold, from people who neither train nor test.

    python calibrate.py --cache CACHE --network perse_pad_v1.onnx --out calibration.json

Prior of the calibrated score: half of all presentations are printed photographs; of the live half
are portraits and half webcam frames. Simulated recaptures do not enter it: how hard they are is our
own choice.
The threshold keeps a stated BPCER, TARGETS, in the worse of portraits and webcam frames: live faces
of many people fix it, where the prints of two people cannot. minifas_97.80 alone could not keep one
at a bearable APCER; it gets the threshold whose worst rate is smallest.
minifas_97.80 saw none of these people in its training, so all but the test people calibrate it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from bank import Bank, read
from numpy.typing import NDArray
from scoring import MINIFAS, OURS, PAIR, raw_scores
from statistics_of_attacks import balanced_threshold, platt, rate, threshold_at_bpcer

TARGETS = {OURS: 0.0075, PAIR: 0.01}


def weights_of(bank: Bank) -> NDArray[np.float64]:
    """Weights that give the groups the shares of the stated prior; they sum to 1."""
    live = bank.species == "live"
    groups = [
        (live & (bank.origin == "press"), 0.25),
        (live & (bank.origin == "webcam"), 0.25),
        (bank.species == "printed_photograph", 0.5),
    ]
    weights = np.zeros(len(live))
    for group, share in groups:
        weights[group] = share / max(1, group.sum())
    return weights


def calibrate(bank: Bank, raw: NDArray[np.float64], target: float | None) -> dict[str, object]:
    live, printed = bank.species == "live", bank.species == "printed_photograph"
    a, b = platt(raw, live, weights_of(bank))
    if target is None:
        cut = balanced_threshold(raw[live], raw[printed], bank.origin[live])
    else:
        cut = threshold_at_bpcer(raw[live], bank.origin[live], target)
    score = 1 / (1 + np.exp(-(a * cut + b)))
    measured = {"bpcer": str(rate(raw[live] < cut, bank.person[live]))}
    for species in np.unique(bank.species[~live]).tolist():
        chosen = bank.species == species
        measured[f"apcer {species}"] = str(rate(raw[chosen] >= cut, bank.person[chosen]))
    return {"a": a, "b": b, "raw": cut, "score": float(score), "on calibration people": measured}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--network", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rotation", type=int, choices=(0, 1, 2))
    options = parser.parse_args()
    bank = read(options.cache, "evaluation")
    bank = bank.only(~np.char.endswith(bank.species, "not_found"))
    part = bank.part(options.rotation)
    done = {}
    for name, allowed in (
        (OURS, part == "calibrate"),
        (MINIFAS, part != "test"),
        (PAIR, part == "calibrate"),
    ):
        own = bank.only(allowed)
        done[name] = calibrate(own, raw_scores(own, options.network)[name], TARGETS.get(name))
    options.out.write_text(json.dumps(done, indent=1))
    print(json.dumps(done, indent=1))


if __name__ == "__main__":
    main()
