"""What does it cost to overwrite freed memory?

    python -m benchmarks.freed_memory --data-dir FOLDER --rounds 60

Detects the face of one portrait, in turns with and without, and prints processor time.
"""

from __future__ import annotations

import argparse
import ctypes
import statistics
import time
from pathlib import Path

import perse
from perse.own_memory import overwrite_freed_memory

_PORTRAIT = Path(__file__).parents[1] / "tests" / "samples" / "portraits" / "obama_2010.jpg"
_M_PERTURB = -6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    parser.add_argument("--rounds", type=int, default=60)
    given = parser.parse_args()
    picture = _PORTRAIT.read_bytes()
    times: dict[bool, list[float]] = {False: [], True: []}
    with perse.open_engine(data_dir=given.data_dir) as engine:
        for number in range(given.rounds):
            overwritten = _set(overwritten=bool(number % 2))
            started = time.process_time()
            engine.detect(picture)
            times[overwritten].append(time.process_time() - started)
    for overwritten, taken_s in times.items():
        print(f"overwritten: {overwritten!s:5} median {statistics.median(taken_s) * 1000:.1f} ms")


def _set(*, overwritten: bool) -> bool:
    if overwritten:
        assert overwrite_freed_memory()
    else:
        ctypes.CDLL(None).mallopt(_M_PERTURB, 0)
    return overwritten


if __name__ == "__main__":
    main()
