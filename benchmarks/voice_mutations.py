"""Ten thousand damaged WAV and OGG files through the decoder: answers, time and memory.

python -m benchmarks.voice_mutations
"""

from __future__ import annotations

import argparse
import datetime
import time
from collections import Counter

import psutil

from perse.errors import InputError
from perse.media.audio_decoder import decode_audio
from tests.media.mutations import mutations
from tests.media.test_mutated_recordings import LIMITS, RECORDINGS


def answer(data: bytes) -> str:
    try:
        decode_audio(data, LIMITS)
    except InputError as error:
        return error.code
    return "decoded"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    given = parser.parse_args()
    per_kind = given.files // len(RECORDINGS)
    process = psutil.Process()
    answers: Counter[str] = Counter()
    slowest_s, resident = 0.0, []
    print(f"{datetime.date.today()}: {per_kind} mutations of each of {', '.join(RECORDINGS)}")
    for name, good in RECORDINGS.items():
        for data in mutations(good, per_kind, seed=2026):
            started = time.perf_counter()
            answers[answer(data)] += 1
            slowest_s = max(slowest_s, time.perf_counter() - started)
        resident.append(round(process.memory_info().rss / 1e6))
        print(f"after {name}: {resident[-1]} MB resident")
    print(dict(answers), f"slowest {slowest_s * 1000:.0f} ms, memory {resident} MB")


if __name__ == "__main__":
    main()
