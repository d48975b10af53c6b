"""A million hostile inputs: every one is answered, and memory stays flat.

    python -m tests.campaign --inputs 1000000 --folder build/campaign

Good inputs are damaged at random, from seeds that the number of the block gives. Interrupted, it
goes on after the last whole block. An input that has an effect nothing may have is kept as a file.
"""

from __future__ import annotations

import argparse
import datetime
import faulthandler
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import psutil
from rich.console import Console
from rich.progress import track

from perse.api.telemetry.logs import configure_logs
from tests.campaign.families import Family, families
from tests.campaign.progress import FamilyProgress, load_progress, save_progress
from tests.media.mutations import mutations

BLOCK = 1000
_LONGEST_BLOCK_S = 600


def main() -> int:
    """Exit status 1 if there was a fault."""
    given = _arguments()
    configure_logs("error")
    with families() as every:
        progress = run_campaign(every, inputs=given.inputs, folder=given.folder)
    report(progress)
    return int(any(one.faults for one in progress.values()))


def run_campaign(
    every: Iterable[Family], *, inputs: int, folder: Path
) -> Mapping[str, FamilyProgress]:
    """What became of ``inputs`` shared among the families; goes on from what ``folder`` holds."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "progress.json"
    progress = load_progress(file)
    for family in every:
        known = progress.setdefault(family.name, FamilyProgress())
        blocks = range(known.blocks, round(inputs * family.share / BLOCK))
        for number in track(blocks, family.name, console=Console(stderr=True)):
            _run_block(family, number, known, folder)
            save_progress(file, progress)
    return progress


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=Path("build/campaign"))
    return parser.parse_args()


def _run_block(family: Family, number: int, progress: FamilyProgress, folder: Path) -> None:
    faulthandler.dump_traceback_later(_LONGEST_BLOCK_S, exit=True)
    for position, data in enumerate(block_of(family, number)):
        started = time.perf_counter()
        try:
            progress.count(family.take(data))
        except Exception as fault:
            progress.faults.append(_kept(data, folder, f"{family.name}-{number}-{position}"))
            print(f"{progress.faults[-1]}: {fault!r}", file=sys.stderr)
        progress.slowest_ms = max(progress.slowest_ms, (time.perf_counter() - started) * 1000)
        progress.inputs += 1
    progress.resident_mb.append(round(psutil.Process().memory_info().rss / 1e6))
    progress.blocks = number + 1
    faulthandler.cancel_dump_traceback_later()


def block_of(family: Family, number: int) -> Iterator[bytes]:
    """The inputs of a block, the same ones each time."""
    per_kind = BLOCK // len(family.good)
    for good in family.good.values():
        yield from mutations(good, per_kind, number, kept=family.kept)


def _kept(data: bytes, folder: Path, name: str) -> str:
    file = folder / f"{name}.bin"
    file.write_bytes(data)
    return str(file)


def report(progress: Mapping[str, FamilyProgress]) -> None:
    """Print a line for each family."""
    print(f"{datetime.date.today()}: {sum(one.inputs for one in progress.values())} inputs")
    for name, one in progress.items():
        answers = ", ".join(f"{count} {answer}" for answer, count in sorted(one.answers.items()))
        print(
            f"{name}: {one.inputs} inputs, {len(one.faults)} faults, slowest "
            f"{one.slowest_ms:.0f} ms, resident {_quarters(one.resident_mb)} MB; {answers}"
        )


def _quarters(resident_mb: list[int]) -> str:
    """After the first block and after each quarter."""
    last = len(resident_mb) - 1
    return " ".join(str(resident_mb[last * quarter // 4]) for quarter in range(5))


if __name__ == "__main__":
    sys.exit(main())
