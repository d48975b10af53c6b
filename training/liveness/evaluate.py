"""Figures of the detector and of its teacher on held-out people, side by side.

python evaluate.py --cache CACHE --run NETWORK.onnx CALIBRATION.json [--rotation N] ... --out F
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from bank import Bank, joined, read
from numpy.typing import NDArray
from scoring import raw_scores
from statistics_of_attacks import Rate, area_under_curve, rate

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judged:
    """Test presentations of one or more runs. ``margins``: raw score minus the run's threshold."""

    bank: Bank
    margins: Mapping[str, Scores]


def judged(bank: Bank, network: Path, calibration: Path, rotation: int | None) -> Judged:
    held_out = bank.only(bank.part(rotation) == "test")
    cuts = {name: entry["raw"] for name, entry in json.loads(calibration.read_text()).items()}
    raw = raw_scores(held_out, network)
    return Judged(held_out, {name: raw[name] - cut for name, cut in cuts.items()})


def together(runs: Sequence[Judged]) -> Judged:
    """All runs as one: each webcam person is in one of them, portraits are in each."""
    bank = joined([run.bank for run in runs])
    names = runs[0].margins
    return Judged(bank, {n: np.concatenate([run.margins[n] for run in runs]) for n in names})


def table(run: Judged) -> dict[str, dict[str, Rate | float]]:
    """Per detector: BPCER by origin, APCER by species, AUC against the live of the same origin."""
    rows: dict[str, dict[str, Rate | float]] = {}
    bank = run.bank
    live = bank.species == "live"
    for name, margin in run.margins.items():
        row: dict[str, Rate | float] = {}
        for origin in ("press", "webcam"):
            chosen = live & (bank.origin == origin)
            row[f"BPCER {origin}"] = rate(margin[chosen] < 0, bank.person[chosen])
        for species in sorted(set(bank.species[~live].tolist())):
            if species.endswith("not_found"):
                continue
            chosen = bank.species == species
            row[f"APCER {species}"] = rate(margin[chosen] >= 0, bank.person[chosen])
            against = live & np.isin(bank.origin, bank.origin[chosen])
            row[f"AUC {species}"] = area_under_curve(margin[against], margin[chosen])
        rows[name] = row
    return rows


def as_markdown(rows: Mapping[str, Mapping[str, Rate | float]]) -> str:
    names = list(rows)
    lines = ["| | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for key in rows[names[0]]:
        cells = [rows[n][key] for n in names]
        texts = [str(c) if isinstance(c, Rate) else f"{c:.4f}" for c in cells]
        lines.append(f"| {key} | " + " | ".join(texts) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument(
        "--run", nargs=3, action="append", required=True, metavar=("ONNX", "JSON", "ROTATION")
    )
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    everything = read(options.cache, "evaluation")
    lost = int(np.char.endswith(everything.species, "not_found").sum())
    found = everything.only(~np.char.endswith(everything.species, "not_found"))
    runs = [
        judged(found, Path(network), Path(calibration), None if turn == "none" else int(turn))
        for network, calibration, turn in options.run
    ]
    rows = table(together(runs))
    plain = {
        n: {k: asdict(v) if isinstance(v, Rate) else v for k, v in row.items()}
        for n, row in rows.items()
    }
    options.out.write_text(json.dumps({"failures_to_acquire": lost, "rows": plain}, indent=1))
    print(as_markdown(rows))
    print(f"no face found in {lost} of {len(everything.species)} presentations of all parts")


if __name__ == "__main__":
    main()
