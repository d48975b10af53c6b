"""For how long at a time a request keeps the interpreter's lock, while nobody else is answered.

    python -m benchmarks.longest_holds [--mirror ../shared/models] [--only photograph,heavy]

A thread does what a worker does for one request; another asks for the lock again and again, as the
event loop does (Linux). What it waits for is told as the lesser of two: its own waiting, without
what it waited for a core, and the processor time that the worker took meanwhile. So other work on
the machine is not in it. Beside each of the longest stands where the worker was when it let go.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from itertools import islice
from pathlib import Path

from PIL import Image

from benchmarks.attacks import crowd, heavy_jpeg, long_speech
from benchmarks.serving import PORTRAIT, sample_picture
from perse.bootstrap.faces import wire_faces
from perse.bootstrap.voices import wire_voices
from perse.bootstrap.weights import obtain_networks
from perse.errors import PerseError
from perse.own_memory import keep_memory_private
from perse.pipelines.ports import Other, Result
from perse.pipelines.voice import Recording
from perse.settings import Settings, load_settings

TWELVE_MEGAPIXELS = (4000, 3000)
PAUSE_S = 0.0002
INTERPRETER_TURN_S = 0.0005  # as a server's
LONGEST = 3
Work = Callable[[], object]


@dataclass(frozen=True)
class Held:
    seconds: float
    where: str


def main() -> None:
    arguments = _arguments()
    keep_memory_private()
    sys.setswitchinterval(INTERPRETER_TURN_S)
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(data_dir=Path(folder), model_mirror=arguments.mirror)
        print(f"{date.today()}: longest times with the interpreter's lock, ms")
        for name, prepare in works(settings).items():
            if name in (arguments.only or name):
                report(name, prepare())


def works(settings: Settings) -> dict[str, Callable[[], Work]]:
    networks = obtain_networks(settings)
    faces, voices = wire_faces(settings, networks), wire_voices(settings, networks)
    assert voices is not None

    def detecting(picture: bytes) -> Work:
        return lambda: faces.detect(faces.decode(picture), side_by_side=one_by_one)

    def hearing(sound: bytes) -> Work:
        halves = [Recording(name, lambda: voices.decode(sound)) for name in ("one", "two")]
        return lambda: voices.compare(*halves, side_by_side=one_by_one)

    return {
        "photograph": lambda: detecting(sample_picture()),
        "JPEG of 12 MP": lambda: detecting(portrait_as("JPEG", quality=80)),
        "PNG of 12 MP": lambda: detecting(portrait_as("PNG", compress_level=1)),
        "WebP of 12 MP": lambda: detecting(portrait_as("WEBP", quality=60)),
        "heavy": lambda: detecting(heavy_jpeg()),
        "crowd": lambda: detecting(crowd()),
        "speech": lambda: hearing(long_speech()),
    }


def one_by_one(first: Callable[[], Result], second: Callable[[], Other]) -> tuple[Result, Other]:
    return first(), second()


def portrait_as(kind: str, **options: object) -> bytes:
    file = BytesIO()
    with Image.open(PORTRAIT) as portrait:
        portrait.convert("RGB").resize(TWELVE_MEGAPIXELS).save(file, kind, **options)
    return file.getvalue()


def report(name: str, work: Work) -> None:
    once(work)  # caches and threads are there
    took: list[float] = []
    worker = threading.Thread(target=lambda: took.append(once(work)))
    worker.start()
    held = sorted(holds(worker), key=lambda one: -one.seconds)[:LONGEST]
    worker.join()
    print(f"\n{name}: {took[0] * 1000:.0f} ms of processor time")
    for one in held:
        print(f"{one.seconds * 1000:8.1f}  {one.where}")


def once(work: Work) -> float:
    started_s = time.thread_time()
    with suppress(PerseError):
        work()
    return time.thread_time() - started_s


def holds(worker: threading.Thread) -> Iterator[Held]:
    assert worker.ident is not None
    clock = time.pthread_getcpuclockid(worker.ident)
    with suppress(OSError):  # the worker has ended
        while worker.is_alive():
            began_s, used_s, starved_s = time.perf_counter(), time.clock_gettime(clock), waited_s()
            time.sleep(PAUSE_S)
            waiting_s = time.perf_counter() - began_s - PAUSE_S - (waited_s() - starved_s)
            used_s = time.clock_gettime(clock) - used_s
            yield Held(min(waiting_s, used_s), place_of(worker.ident))


def waited_s() -> float:
    """For how long this thread has waited for a core."""
    told = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat").read_text()
    return int(told.split()[1]) / 1e9


def place_of(thread: int) -> str:
    frames = islice(traceback.walk_stack(sys._current_frames().get(thread)), 3)
    return " < ".join(
        f"{Path(frame.f_code.co_filename).name}:{line} {frame.f_code.co_name}"
        for frame, line in frames
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--mirror", default="../shared/models", help="PERSE_MODEL_MIRROR")
    parser.add_argument("--only", type=lambda text: text.split(","))
    return parser.parse_args()


if __name__ == "__main__":
    main()
