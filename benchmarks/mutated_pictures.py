"""Thousands of damaged pictures of every kind: nothing but a refusal may come out, memory is flat.

.venv/bin/python -m benchmarks.mutated_pictures [COUNT]
"""

from __future__ import annotations

import sys
import time

import psutil

from perse.errors import InputError
from perse.media.image_decoder import ImageLimits, decode_image
from tests.media.mutations import good_files, mutations

COUNT = 10_000
SEED = 20261123


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    print(f"{'kind':22} decoded refused  slowest  resident after each quarter")
    for name, data in good_files().items():
        print(f"{name:22} {report(data, count)}")


def report(data: bytes, count: int) -> str:
    limits = ImageLimits(max_pixels=4_000_000, max_scans=10)
    decoded, slowest, resident = 0, 0.0, []
    for number, mutated in enumerate(mutations(data, count, SEED), start=1):
        started = time.perf_counter()
        decoded += is_decoded(mutated, limits)
        slowest = max(slowest, time.perf_counter() - started)
        if number % (count // 4) == 0:
            resident.append(f"{psutil.Process().memory_info().rss / 1e6:.0f}")
    memory = " ".join(resident)
    return f"{decoded:7} {count - decoded:7} {slowest * 1000:5.0f} ms  {memory} MB"


def is_decoded(data: bytes, limits: ImageLimits) -> bool:
    try:
        decode_image(data, limits)
    except InputError:
        return False
    return True


if __name__ == "__main__":
    main()
