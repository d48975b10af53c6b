"""What serving costs over the floor: detect and compare, in process and over HTTP, in one run.

    python -m benchmarks.serving --mirror ../shared/models

The floor of a call is decoding its pictures and running the very network runs that it makes, with
the same threads (benchmarks/floor.py). The server runs in a process of its own; so does the load
generator. Ratios are of medians taken in turn, so a slow moment of the machine meets both sides.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil

from benchmarks.floor import floor_of, interleaved_medians_ms
from perse import Engine, open_engine
from perse.media.quality_assessor import CropQualityAssessor

REPOSITORY = Path(__file__).parents[1]
PORTRAIT = REPOSITORY / "tests" / "samples" / "portraits" / "obama_2012.jpg"
SIZE = (1080, 1320)
TARGET_BYTES = 220_000
BOUNDARY = "perse-benchmark"

Works = dict[str, Callable[[], object]]


def main() -> None:
    arguments = _arguments()
    picture = sample_picture()
    print(
        f"{date.today()}  {platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}; pack {arguments.pack}, one thread per network; "
        f"JPEG {SIZE[0]}x{SIZE[1]}, {len(picture) // 1000} KB\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "PERSE_DATA_DIR": folder,
            "PERSE_PACK": arguments.pack,
            "PERSE_MODEL_MIRROR": arguments.mirror,
            "PERSE_LOG_LEVEL": "warning",
        }
        key = prepared_key(environment)
        with open_engine(arguments.pack, data_dir=Path(folder), offline=True) as engine:
            in_process(engine, picture, arguments.rounds)
            over_http(engine, picture, environment, key, arguments)


def sample_picture() -> bytes:
    """A freely licensed portrait at the size and weight of a phone's picture."""
    portrait = cv2.resize(
        np.asarray(cv2.imread(str(PORTRAIT))), SIZE, interpolation=cv2.INTER_CUBIC
    )
    encoded = b""
    for quality in range(99, 40, -1):
        encoded = cv2.imencode(".jpg", portrait, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        if len(encoded) <= TARGET_BYTES:
            return encoded
    return encoded


def prepared_key(environment: dict[str, str]) -> str:
    perse = [sys.executable, "-I", "-m", "perse"]
    subprocess.run([*perse, "setup"], env=environment, check=True, capture_output=True)
    created = subprocess.run(
        [*perse, "keys", "create", "benchmark"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return created.stdout.strip()


def in_process(engine: Engine, picture: bytes, rounds: int) -> None:
    image = engine.load(picture)
    face = engine.detect(image.pixels).faces[0]
    assess = CropQualityAssessor()
    works: Works = {
        "detect": lambda: engine.detect(picture),
        "compare": lambda: engine.compare(picture, picture),
        "decode": lambda: engine.load(picture),
        "quality": lambda: (assess.of_image(image), assess.of_face(image, face.face, face.pose)),
    }
    floors = floors_of(engine, picture)
    medians = interleaved_medians_ms(works | floors, rounds)
    for name in ("detect", "compare"):
        report(f"{name}, in process", medians[name], medians[f"{name} floor"])
    print(
        f"  decode {medians['decode']:.2f} ms; quality metrics of one face and the image "
        f"{medians['quality']:.2f} ms\n"
    )


def floors_of(engine: Engine, picture: bytes) -> Works:
    """Of detect, and of compare with its two halves side by side."""
    decode: list[Callable[[], object]] = [lambda: engine.load(picture)]
    half = floor_of(lambda: engine.face_template(picture), decode)
    pool = ThreadPoolExecutor(1)

    def both_halves() -> None:
        other = pool.submit(half)
        half()
        other.result()

    detect = floor_of(lambda: engine.detect(picture), decode)
    return {"detect floor": detect, "compare floor": both_halves}


def report(what: str, measured_ms: float, floor_ms: float) -> None:
    print(
        f"  {what:24} {measured_ms:7.1f} ms   floor {floor_ms:7.1f} ms   "
        f"ratio {measured_ms / floor_ms:.2f}"
    )


def over_http(
    engine: Engine,
    picture: bytes,
    environment: dict[str, str],
    key: str,
    arguments: argparse.Namespace,
) -> None:
    with served(environment) as server:
        calls = {
            "detect": Call("/v0/face/detect", multipart({"image_file": picture}), key),
            "compare": Call(
                "/v0/face/compare",
                multipart({"image_file1": picture, "image_file2": picture}),
                key,
            ),
        }
        first_requests(server, calls["detect"])
        floors = floors_of(engine, picture)
        for name, call in calls.items():
            connection = HTTPConnection("127.0.0.1", server.port)
            request = partial(call.send, connection)
            works: Works = {"floor": floors[f"{name} floor"], name: request}
            medians = interleaved_medians_ms(works, arguments.rounds)
            report(f"{name}, HTTP request", medians[name], medians["floor"])
        print()
        throughput(server, calls["detect"], floors["detect floor"], arguments)
        memory(server, calls["detect"], arguments.memory_requests)


class Call:
    def __init__(self, path: str, body: bytes, key: str) -> None:
        self.path, self.body = path, body
        self.headers = {
            "x-api-key": key,
            "content-type": f"multipart/form-data; boundary={BOUNDARY}",
        }

    def send(self, connection: HTTPConnection) -> float:
        started = time.perf_counter()
        connection.request("POST", self.path, self.body, self.headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{self.path}: {answer.status} {content!r}")
        return (time.perf_counter() - started) * 1000

    def raw(self) -> bytes:
        fields = {"host": "127.0.0.1", **self.headers, "content-length": str(len(self.body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"POST {self.path} HTTP/1.1\r\n{lines}\r\n".encode() + self.body


def multipart(files: dict[str, bytes]) -> bytes:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
        + content
        + b"\r\n"
        for name, content in files.items()
    ]
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


class Server:
    def __init__(self, process: subprocess.Popen[str], port: int, ready_s: float) -> None:
        self.process, self.port, self.ready_s = psutil.Process(process.pid), port, ready_s

    def resident_mb(self) -> float:
        return float(self.process.memory_info().rss) / 1e6


@contextmanager
def served(environment: dict[str, str]) -> Iterator[Server]:
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-I", "-m", "perse", "serve", "--port", "0", "--offline"],
        env={"PERSE_PROCESSES": "1", **environment, "COLUMNS": "200"},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "ready at" in line:
            break
    else:
        raise SystemExit("the server did not start")
    ready_s = time.perf_counter() - started
    port = int(line.split("127.0.0.1:")[1].split()[0])
    threading.Thread(target=process.stderr.read, daemon=True).start()
    try:
        yield Server(process, port, ready_s)
    finally:
        process.terminate()
        process.wait(timeout=40)


def first_requests(server: Server, call: Call) -> None:
    connection = HTTPConnection("127.0.0.1", server.port)
    times = [call.send(connection) for _ in range(10)]
    print(
        f"  start to ready {server.ready_s:.2f} s; first request {times[0]:.0f} ms, tenth "
        f"{times[-1]:.0f} ms, ratio {times[0] / times[-1]:.2f}\n"
    )


def throughput(
    server: Server, call: Call, floor: Callable[[], object], arguments: argparse.Namespace
) -> None:
    """Bare decoder and networks on all cores, then the server under 1, 4 and 16 clients."""
    cores = os.cpu_count() or 1
    bare = bare_rate(floor, cores, arguments.load_requests)
    print(f"  bare networks and decoder on {cores} cores: {bare:.1f} a second")
    with tempfile.NamedTemporaryFile() as file:
        file.write(call.raw())
        file.flush()
        for clients in (1, 4, 16):
            rounds = max(3, arguments.load_requests // clients)
            load = drive(server.port, file.name, clients, rounds)
            rate = load["requests"] / load["seconds"]
            print(
                f"  {clients:2} clients: {rate:6.1f} a second ({rate / bare:.0%} of bare), "
                f"p50 {load['p50_ms']:.0f}, p95 {load['p95_ms']:.0f}, p99 {load['p99_ms']:.0f} ms, "
                f"p99/p50 {load['p99_ms'] / load['p50_ms']:.2f}, answers {load['statuses']}"
            )
    print()


def bare_rate(floor: Callable[[], object], cores: int, runs: int) -> float:
    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(lambda _: floor(), range(cores)))
        started = time.perf_counter()
        list(pool.map(lambda _: floor(), range(runs)))
        return runs / (time.perf_counter() - started)


def drive(port: int, file: str, clients: int, rounds: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.load", str(port), file, str(clients), str(rounds)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def memory(server: Server, call: Call, requests: int) -> None:
    connection = HTTPConnection("127.0.0.1", server.port)
    before = server.resident_mb()
    readings = []
    for index in range(requests):
        call.send(connection)
        if index % max(1, requests // 10) == 0:
            readings.append(server.resident_mb())
    slope = float(np.polyfit(range(len(readings)), readings, 1)[0]) if len(readings) > 1 else 0.0
    print(
        f"  resident memory {before:.0f} MB after the load, {server.resident_mb():.0f} MB after "
        f"{requests} more requests ({slope:+.2f} MB per {max(1, requests // 10)})"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mirror", default="../shared/models", help="PERSE_MODEL_MIRROR")
    parser.add_argument("--pack", default="standard")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--load-requests", type=int, default=240)
    parser.add_argument("--memory-requests", type=int, default=500)
    return parser.parse_args()


if __name__ == "__main__":
    main()
