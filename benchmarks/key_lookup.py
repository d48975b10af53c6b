"""Does the time of a refusal tell a revoked API key from an unknown one?

    python -m benchmarks.key_lookup --rounds 6000

Each round looks up one of each kind, in random order, in a SQLite database of 1,000 keys.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from pathlib import Path
from uuid import uuid4

from perse.auth.api_keys import ApiKeys
from perse.bootstrap import open_keys, open_storage
from perse.settings import load_settings

_KEYS = 1_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=6000)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        database = open_storage(load_settings(data_dir=Path(folder), database_url=None))
        keys = open_keys(database)
        revoked = _fill(keys)
        times = _measured(keys, revoked, rounds)
        database.close()
    for kind, taken_us in times.items():
        quarter, median, _ = statistics.quantiles(taken_us, n=4)
        print(f"{kind:8} first quartile {quarter:7.1f} us, median {median:7.1f} us")


def _fill(keys: ApiKeys) -> list[str]:
    texts = []
    for number in range(_KEYS):
        _, text = keys.create(str(number))
        if number % 2:
            keys.revoke(str(number))
            texts.append(text)
    return texts


def _measured(keys: ApiKeys, revoked: list[str], rounds: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {"unknown": [], "revoked": []}
    for _ in range(rounds):
        turn = [("unknown", str(uuid4())), ("revoked", random.choice(revoked))]
        random.shuffle(turn)
        for kind, text in turn:
            started = time.perf_counter()
            assert keys.find(text) is None
            times[kind].append((time.perf_counter() - started) * 1e6)
    return times


if __name__ == "__main__":
    main()
