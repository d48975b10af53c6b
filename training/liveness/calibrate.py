"""Platt parameters and the threshold, from people who neither train nor test.

    python calibrate.py --cache CACHE --network perse_pad_v2.onnx --out calibration.json

Prior of the calibrated score: half of all presentations are printed photographs; of the live half
are portraits and half webcam frames. Simulated recaptures do not enter it: how hard they are is our
own choice.
The threshold lies half way between the log odds that one live face in a hundred (of portraits or
webcam frames, whichever is worse) falls below and those that one print in a hundred rises above,
but never so that more than one or less than half of one live face in a hundred falls below.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from bank import Bank, read
from numpy.typing import NDArray
from scoring import raw_scores
from statistics_of_attacks import platt, rate, threshold_midway

TARGET = 0.01


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


def calibrate(bank: Bank, raw: NDArray[np.float64]) -> dict[str, object]:
    live, printed = bank.species == "live", bank.species == "printed_photograph"
    a, b = platt(raw, live, weights_of(bank))
    cut = threshold_midway(raw[live], bank.origin[live], raw[printed], TARGET)
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
    own = bank.only(bank.part(options.rotation) == "calibrate")
    done = {name: calibrate(own, raw) for name, raw in raw_scores(own, options.network).items()}
    options.out.write_text(json.dumps(done, indent=1))
    print(json.dumps(done, indent=1))


if __name__ == "__main__":
    main()
