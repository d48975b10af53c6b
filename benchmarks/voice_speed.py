"""Time of the voice pipeline over its floor, and its memory.

    python -m benchmarks.voice_speed --recordings ../shared/data/voice_dev --data-dir data

The floor is decoding and the runs of the networks alone, in turn with the pipeline and on the same
one thread. Both as time on the clock and as processor time, which other programs disturb less.
Recordings are joined from the development set and written as WAV and Opus.
"""

from __future__ import annotations

import argparse
import datetime
import io
import resource
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import soundfile as sf
from numpy.typing import NDArray

from benchmarks.floor import floor_of, interleaved_medians_ms
from perse.bootstrap.voices import VoiceServices, open_voices
from perse.bootstrap.weights import obtain_networks
from perse.pipelines.ports import Other, Result
from perse.pipelines.voice import Recording
from perse.settings import load_settings

RATE_HZ = 16_000
LENGTHS_S = (3, 10, 60)
ROUNDS = {3: 40, 10: 25, 60: 8}


def in_turn(first: Callable[[], Result], second: Callable[[], Other]) -> tuple[Result, Other]:
    return first(), second()


def talk(folder: Path, speaker: str, seconds: int) -> NDArray[np.float32]:
    files = sorted((folder / speaker).glob("*.flac"))
    samples = np.concatenate([sf.read(file, dtype="float32")[0] for file in files])
    return np.resize(samples, seconds * RATE_HZ)


def encoded(samples: NDArray[np.float32], kind: str, subtype: str) -> bytes:
    file = io.BytesIO()
    sf.write(file, samples, RATE_HZ, format=kind, subtype=subtype)
    return file.getvalue()


def measure(
    voices: VoiceServices, first: bytes, second: bytes, rounds: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Medians in ms on the clock, and of the processor."""

    def compare() -> object:
        return voices.compare(
            Recording("a", partial(voices.decode, first)),
            Recording("b", partial(voices.decode, second)),
            side_by_side=in_turn,
        )

    decodes: list[Callable[[], object]] = [
        partial(voices.decode, first),
        partial(voices.decode, second),
    ]
    floor = floor_of(compare, decodes)
    works = {"pipeline": compare, "floor": floor}
    spent: dict[str, list[float]] = {name: [] for name in works}
    timed = {name: partial(_noting, work, spent[name]) for name, work in works.items()}
    clock = interleaved_medians_ms(timed, rounds)
    return clock, {name: statistics.median(times) for name, times in spent.items()}


def _noting(work: Callable[[], object], spent_ms: list[float]) -> None:
    started = time.process_time()
    work()
    spent_ms.append((time.process_time() - started) * 1000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=Path, required=True)
    parser.add_argument("--data-dir", type=Path, required=True)
    given = parser.parse_args()
    settings = load_settings(data_dir=given.data_dir)
    voices = open_voices(settings, obtain_networks(settings))
    speakers = sorted(path.name for path in given.recordings.iterdir() if path.is_dir())[:2]
    print(f"{datetime.date.today()}: two recordings compared one after the other, one thread")
    for seconds in LENGTHS_S:
        first, second = (talk(given.recordings, speaker, seconds) for speaker in speakers)
        for kind, subtype in (("WAV", "PCM_16"), ("OGG", "OPUS")):
            clock, processor = measure(
                voices,
                encoded(first, kind, subtype),
                encoded(second, kind, subtype),
                ROUNDS[seconds],
            )
            for name, times in (("clock", clock), ("processor", processor)):
                ratio = times["pipeline"] / times["floor"]
                print(
                    f"2 x {seconds} s, {subtype}, {name}: {times['pipeline']:.1f} ms, "
                    f"floor {times['floor']:.1f} ms, ratio {ratio:.2f}"
                )
    resident = psutil.Process().memory_info().rss / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"resident {resident:.0f} MB, peak {peak:.0f} MB")


if __name__ == "__main__":
    main()
