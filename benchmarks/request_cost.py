"""Where the processor time of a detection goes: decoder, networks, our own code, HTTP.

    python -m benchmarks.request_cost [--mirror ../shared/models] [--draw FILE.svg]

Means of thread time in one process, stage by stage, for pictures of three sizes. What the threads
of a server's process take for the same request that are not workers is HTTP: the event loop
(connection, form, admission, answer), and those of ledger and database. Linux tells them apart,
because workers have stepped back. What they take by the clock, with no request at all, is measured
first, and taken off for the time that each request lasts: on a slow machine it would count for
more. It stands in a line of its own, for each second.
The last line is what is left of all that without decoder, networks and OpenCV, which run without
the interpreter's lock: a bound for how long a request holds it, because large arrays of NumPy, the
database and the kernel do not need it either.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from http.client import HTTPConnection
from pathlib import Path
from types import BuiltinFunctionType
from typing import ParamSpec, TypeVar

import cv2
import numpy as np
import simplejpeg
from matplotlib import colormaps, rcParams
from matplotlib.figure import Figure

from benchmarks.serving import Call, Server, multipart, prepared_key, sample_picture, served
from perse.bootstrap.faces import FaceServices, wire_faces
from perse.bootstrap.weights import obtain_networks
from perse.networks.session import Session
from perse.own_memory import keep_memory_private
from perse.settings import load_settings

LONGER_SIDES_PX = (660, 1320, 4032)
OWN, NETWORK = "our code", "networks"
UNLOCKED = [
    (simplejpeg, "decode_jpeg"),
    *((cv2, name) for name, it in vars(cv2).items() if isinstance(it, BuiltinFunctionType)),
]
LOCKED = "of these with the lock, at most"
_AT_ONCE = 3
_IDLE_S = 10.0
_NICENESS = 16  # of what stands behind the name in /proc/PID/stat
Stages = dict[str, float]
P = ParamSpec("P")
R = TypeVar("R")


def main() -> None:
    arguments = _arguments()
    keep_memory_private()  # as a server does
    pictures = {f"{side} px": resized(side) for side in LONGER_SIDES_PX}
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "PERSE_DATA_DIR": folder,
            "PERSE_MODEL_MIRROR": arguments.mirror,
            "PERSE_LOG_LEVEL": "warning",
            "PERSE_MAX_IMAGE_BYTES": "8000000",
            # Two threads at once on one core of two threads take more time than one by one.
            "PERSE_WORKERS": "1",
        }
        key = prepared_key(environment)
        settings = load_settings(data_dir=Path(folder), offline=True)
        faces = wire_faces(settings, obtain_networks(settings))
        with served(environment) as server:
            by_clock = taken_by_the_clock(server)
            tables = {
                name: measured(faces, Served(server, key, by_clock), picture, arguments.rounds)
                for name, picture in pictures.items()
            }
    locked = {name: table.pop(LOCKED) for name, table in tables.items()}
    print(f"{date.today()}: processor time of one detection, ms, {arguments.rounds} rounds")
    print(f"{'':34}" + "".join(f"{name:>9}" for name in tables))
    for stage in next(iter(tables.values())):
        print(f"{stage:34}" + "".join(f"{table[stage]:9.2f}" for table in tables.values()))
    print(f"{'together':34}" + "".join(f"{sum(table.values()):9.2f}" for table in tables.values()))
    print(f"{LOCKED:34}" + "".join(f"{held:9.2f}" for held in locked.values()))
    told = ", ".join(f"{name} {ns / 1e6:.2f}" for name, ns in by_clock.items())
    print(f"by the clock, in each second without a request: {told}")
    if arguments.draw:
        draw(tables, arguments.draw)


def resized(longer_side_px: int) -> bytes:
    pixels = simplejpeg.decode_jpeg(sample_picture(), "RGB")
    factor = longer_side_px / max(pixels.shape[:2])
    size = tuple(round(side * factor / 2) * 2 for side in pixels.shape[1::-1])
    other = np.ascontiguousarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
    return bytes(simplejpeg.encode_jpeg(other, quality=88, colorsubsampling="420"))


@dataclass(frozen=True)
class Served:
    """A server, a key, and what its threads take by the clock, ns a second."""

    server: Server
    key: str
    by_clock: Mapping[str, float]


def measured(faces: FaceServices, served: Served, picture: bytes, rounds: int) -> Stages:
    """Means of the stages in this process, and the rest of what the server takes; by turns, so
    that a slow moment of the machine meets both."""
    call = Call("/v0/face/detect", multipart({"image_file": picture}), served.key)
    connection = HTTPConnection("127.0.0.1", served.server.port)
    for _ in range(5):
        detection(faces, picture)
        call.send(connection)
    runs, http, lasted_s = list[Stages](), Counter[str](), 0.0
    for _ in range(rounds):
        runs.append(detection(faces, picture))
        before, started_s = threads_ns(served.server), time.perf_counter()
        for _ in range(_AT_ONCE):
            call.send(connection)
        lasted_s += time.perf_counter() - started_s
        http.update(threads_ns(served.server))
        http.subtract(before)
    stages = {name: statistics.mean(run[name] for run in runs) for name in runs[0]}
    locked = stages.pop(LOCKED)
    beside = {
        name: (ns - served.by_clock[name] * lasted_s) / 1e6 / (rounds * _AT_ONCE)
        for name, ns in http.items()
    }
    return {**stages, **beside, LOCKED: locked + sum(beside.values())}


def taken_by_the_clock(server: Server) -> dict[str, float]:
    """What the threads take without requests, ns a second."""
    before = threads_ns(server)
    time.sleep(_IDLE_S)
    return {name: (ns - before[name]) / _IDLE_S for name, ns in threads_ns(server).items()}


def detection(faces: FaceServices, picture: bytes) -> Stages:
    """One detection of one face, as ``DetectFaces`` makes it, in ms by stage."""
    stages: Stages = {LOCKED: 0.0}
    find, assess, embedder = faces.detect.find, faces.detect.assess, faces.capture.embedder
    with stage(stages, "decode"):
        image = faces.decode(picture)
    with stage(stages, "find"):
        (face,) = find(image)
    with stage(stages, "pose"):
        pose = assess.pose.estimate(image, face)
    with stage(stages, "metrics"):
        assess.quality.of_image(image)
        assess.quality.of_face(image, face, pose)
    if assess.attacks:
        with stage(stages, "attack detection"):
            assess.attacks.score(image, face.box)
    with stage(stages, "template"):
        embedder.embed(image, face.landmarks)
    return stages


@contextmanager
def stage(stages: Stages, name: str) -> Iterator[None]:
    """Adds what the block takes, the runs of networks apart."""
    with ExitStack() as patches:
        runs = patches.enter_context(calls_ms([(Session, "run")]))
        others = patches.enter_context(calls_ms(UNLOCKED))
        started = time.thread_time()
        yield
        taken = (time.thread_time() - started) * 1000
    stages[LOCKED] += taken - sum(runs) - sum(others)
    if runs:
        stages[f"{name}: {NETWORK}"] = sum(runs)
        stages[f"{name}: {OWN}"] = taken - sum(runs)
    else:
        stages[name] = taken


@contextmanager
def calls_ms(functions: Iterable[tuple[object, str]]) -> Iterator[list[float]]:
    """What each call of one of ``functions`` takes in the block; they do not call one another."""
    taken: list[float] = []
    originals = [(owner, name, getattr(owner, name)) for owner, name in functions]

    def timed(function: Callable[P, R]) -> Callable[P, R]:
        def call(*given: P.args, **named: P.kwargs) -> R:
            started = time.thread_time()
            result = function(*given, **named)
            taken.append((time.thread_time() - started) * 1000)
            return result

        return call

    for owner, name, function in originals:
        setattr(owner, name, timed(function))
    try:
        yield taken
    finally:
        for owner, name, function in originals:
            setattr(owner, name, function)


def threads_ns(server: Server) -> Counter[str]:
    """Processor time so far of the threads that do not compute."""
    taken = Counter[str]()
    for thread in Path(f"/proc/{server.process.pid}/task").iterdir():
        told = (thread / "stat").read_text().rpartition(")")[2].split()
        if int(told[_NICENESS]) == 0:
            name = "event loop" if int(thread.name) == server.process.pid else "other threads"
            taken[f"HTTP: {name}"] += int((thread / "schedstat").read_text().split()[0])
    return taken


def draw(tables: Mapping[str, Stages], target: Path) -> None:
    rcParams["svg.hashsalt"] = "perse"
    figure = Figure(figsize=(10, 3.2), layout="constrained")
    axes = figure.subplots()
    names = list(tables)[::-1]
    left = np.zeros(len(names))
    colours = colormaps["tab20"]
    for number, stage_name in enumerate(next(iter(tables.values()))):
        widths = np.array([tables[name][stage_name] for name in names])
        axes.barh(names, widths, left=left, label=stage_name, color=colours(number))
        left += widths
    axes.set_xlabel("processor time of one detection, ms")
    axes.legend(ncols=4, fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.25), frameon=False)
    figure.savefig(target, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mirror", default="../shared/models", help="PERSE_MODEL_MIRROR")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--draw", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
