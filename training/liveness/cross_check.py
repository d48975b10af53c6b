"""One detector on people that it never saw: turn by turn, together, and person by person.

python cross_check.py --cache CACHE --run NETWORK.onnx CALIBRATION.json TURN ... [--name perse_pad]

Each turn is a network of its own, trained and calibrated without the people who test it. The worst
turn, not the mean, says what can happen with nine people more.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from bank import read
from evaluate import Judged, as_markdown, judged, table, together
from scoring import OURS, TEACHER
from statistics_of_attacks import Rate, rate

Rows = dict[str, dict[str, Rate | float]]


def by_turn(runs: Mapping[str, Judged], name: str) -> Rows:
    """Per turn, and of all turns together, what evaluate.py says of ``name``."""
    columns = {f"turn {turn}": table(run)[name] for turn, run in runs.items()}
    return columns | {"together": table(together(list(runs.values())))[name]}


def worst(columns: Rows) -> dict[str, tuple[str, float]]:
    """Per error rate, the turn in which it is greatest, and the share there."""
    turns = {turn: column for turn, column in columns.items() if turn != "together"}
    found: dict[str, tuple[str, float]] = {}
    for turn, column in turns.items():
        for key, value in column.items():
            if isinstance(value, Rate) and value.share > found.get(key, ("", -1.0))[1]:
                found[key] = (turn, value.share)
    return found


def by_person(runs: Sequence[Judged], name: str) -> Rows:
    """Per person of the webcam: prints called live, live frames called attacks."""
    run = together(runs)
    bank, margin = run.bank, run.margins[name]
    rows: Rows = {}
    for person in np.unique(bank.person[bank.origin == "webcam"]).tolist():
        own = bank.person == person
        prints, live = own & (bank.species == "printed_photograph"), own & (bank.species == "live")
        rows[person] = {
            "APCER": rate(margin[prints] >= 0, bank.person[prints]).share,
            "BPCER": rate(margin[live] < 0, bank.person[live]).share,
        }
    return rows


def reaches(run: Judged, name: str) -> dict[str, float]:
    """Log odds beyond the threshold, of those nearest to the other side: > 0 counts as live."""
    bank, margin = run.bank, run.margins[name]
    live, printed = bank.species == "live", bank.species == "printed_photograph"
    return {
        "lowest portrait": float(margin[live & (bank.origin == "press")].min()),
        "lowest webcam frame": float(margin[live & (bank.origin == "webcam")].min()),
        "highest print": float(margin[printed].max()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument(
        "--run", nargs=3, action="append", required=True, metavar=("ONNX", "JSON", "TURN")
    )
    parser.add_argument("--name", choices=(OURS, TEACHER), default=OURS)
    options = parser.parse_args()
    bank = read(options.cache, "evaluation")
    found = bank.only(~np.char.endswith(bank.species, "not_found"))
    runs = {
        turn: judged(found, Path(network), Path(calibration), int(turn))
        for network, calibration, turn in options.run
    }
    columns = by_turn(runs, options.name)
    print(as_markdown(columns))
    for key, (turn, share) in worst(columns).items():
        print(f"worst {key}: {100 * share:.1f} % in {turn}")
    print(as_markdown({f"turn {t}": reaches(run, options.name) for t, run in runs.items()}))
    print(as_markdown(by_person(list(runs.values()), options.name)))


if __name__ == "__main__":
    main()
