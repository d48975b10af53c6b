"""Fuzzing that follows the coverage of our own readers, with Atheris.

    make fuzz                                          # every family in turn
    python -m tests.campaign.fuzz pictures --seconds 600 --folder build/fuzz

The corpus grows in the folder and is taken up again by the next run. An input with an effect that
nothing may have ends the run and is kept there as ``crash-*``.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path

import atheris

from perse.api.telemetry.logs import configure_logs

with atheris.instrument_imports(include=["perse.media", "perse.api", "perse.auth"]):
    from tests.campaign.families import Family, families

_LARGEST_INPUT_BYTES = 65_536
_LONGEST_INPUT_S = 20


def main() -> None:
    """Never returns: the fuzzer ends the process, with a status other than 0 after a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("family")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--folder", type=Path, default=Path("build/fuzz"))
    given = parser.parse_args()
    configure_logs("error")
    serving = ExitStack()
    family = next(f for f in serving.enter_context(families()) if f.name == given.family)
    atheris.Setup(_options(family, given.seconds, given.folder), family.take)
    atheris.Fuzz()


def _options(family: Family, seconds: int, folder: Path) -> list[str]:
    corpus = folder / family.name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, good in enumerate(family.good.values()):
        (corpus / f"good-{number}").write_bytes(good)
    return [
        sys.argv[0],
        str(corpus),
        f"-max_total_time={seconds}",
        f"-max_len={_LARGEST_INPUT_BYTES}",
        f"-timeout={_LONGEST_INPUT_S}",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=1",
    ]


if __name__ == "__main__":
    main()
