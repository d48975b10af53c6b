"""One tenant against another: what a victim feels while an attacker does its worst (Linux).

    python -m benchmarks.fairness --mirror ../shared/models [--only lists,uploads] [--seconds 6]

A real server runs in a process of its own with 100,000 made-up users of the attacker's; so do the
attackers. The victim detects a face and lists its 50 users, over and over, 20 ms apart: first in
quiet, then under each attack, then until it is served as in quiet again. Targets: under attack its
p95 is at most 3 x the quiet one, nothing of it is refused; the server holds at most 600 MB; it is
quiet again within 5 s. Every attack is bounded in connections and in time. The cores that server
and attackers took are printed beside: all share one machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from benchmarks.attacks import ATTACKS
from benchmarks.enrolment import fill
from benchmarks.serving import BOUNDARY, REPOSITORY, Server, multipart, sample_picture, served
from perse.auth.api_keys import ApiKeys
from perse.bootstrap.storage import open_storage
from perse.settings import Settings

DETECT, LIST = "detect", "list"
SLOWDOWN, LARGEST_MB, RECOVERY_S = 3.0, 600.0, 5.0
VICTIMS_USERS, PAUSE_S = 50, 0.02
# A new kind of work opens caches and threads; the quiet value is of a warm server.
WARM_ROUNDS, QUIET_ROUNDS = 10, 60


@dataclass
class Felt:
    """What the victim felt, in ms by operation; ``refused``: answers other than 200."""

    times_ms: dict[str, list[float]] = field(default_factory=lambda: {DETECT: [], LIST: []})
    refused: int = 0

    def p95_ms(self, operation: str) -> float:
        times = self.times_ms[operation]
        if len(times) < 2:
            return float("inf")
        return statistics.quantiles(times, n=20, method="inclusive")[-1]


class Victim:
    def __init__(self, port: int, key: str) -> None:
        self._port, self._headers = port, {"x-api-key": key}
        self._form = multipart({"image_file": sample_picture()})
        self._connection = self._fresh()

    def _fresh(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self._port, timeout=30)

    def feel(self, felt: Felt) -> None:
        """One detection and one list."""
        form = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
        with self._timed(felt, DETECT):
            self._connection.request("POST", "/v0/face/detect", self._form, self._headers | form)
        with self._timed(felt, LIST):
            self._connection.request("GET", "/v0/face/enrollment/list", None, self._headers)
        time.sleep(PAUSE_S)

    @contextmanager
    def _timed(self, felt: Felt, operation: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
            answer = self._connection.getresponse()
            answer.read()
            felt.refused += answer.status != 200
        except (OSError, HTTPException):
            felt.refused += 1
            self._connection.close()
            self._connection = self._fresh()
        felt.times_ms[operation].append((time.perf_counter() - started) * 1000)


@contextmanager
def peak_mb(server: Server) -> Iterator[Callable[[], float]]:
    """The largest resident memory since the block began."""
    highest, ended = [server.resident_mb()], threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            highest[0] = max(highest[0], server.resident_mb())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield lambda: highest[0]
    finally:
        ended.set()
        watcher.join()


def recovery_s(victim: Victim, quiet: Felt) -> float:
    """Seconds until five rounds in a row are answered within the quiet p95 and a half."""
    started, calm = time.perf_counter(), 0
    begun = started
    while calm < 5 and time.perf_counter() - started < 30:
        felt = Felt()
        victim.feel(felt)
        as_before = all(felt.times_ms[op][0] <= 1.5 * quiet.p95_ms(op) for op in (DETECT, LIST))
        calm = calm + 1 if as_before and not felt.refused else 0
        begun = begun if calm else time.perf_counter()
    return begun - started


def attack(name: str, place: Place, server: Server, victim: Victim, quiet: Felt) -> bool:
    command = [sys.executable, "-m", "benchmarks.attacks", name, str(server.port)]
    process = subprocess.Popen(
        [*command, place.attacker, str(place.seconds), str(place.folder)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    felt = Felt()
    with peak_mb(server) as peak:
        assert process.stdout is not None
        process.stdout.readline()  # it has begun
        started_s, used_s = time.perf_counter(), _processor_s(server)
        while process.poll() is None:
            victim.feel(felt)
        cores = (_processor_s(server) - used_s) / (time.perf_counter() - started_s)
        recovered = recovery_s(victim, quiet)
    said = f"cores: server {cores:.2f}, {process.stdout.read().strip()}"
    return report(name, quiet, felt, peak(), recovered, said)


def _processor_s(server: Server) -> float:
    times = server.process.cpu_times()
    return float(times.user + times.system)


def report(name: str, quiet: Felt, felt: Felt, mb: float, recovered_s: float, said: str) -> bool:
    ratios = [felt.p95_ms(op) / quiet.p95_ms(op) for op in (DETECT, LIST)]
    kept = (
        max(ratios) <= SLOWDOWN
        and not felt.refused
        and mb <= LARGEST_MB
        and recovered_s <= RECOVERY_S
    )
    cells = "".join(
        f"{quiet.p95_ms(op):7.1f} {felt.p95_ms(op):8.1f} {ratio:5.1f} x"
        for op, ratio in zip((DETECT, LIST), ratios, strict=True)
    )
    print(
        f"{name:18}{cells} {felt.refused:4} of {2 * len(felt.times_ms[DETECT]):<5}"
        f"{mb:5.0f} MB {recovered_s:5.1f} s  {'kept' if kept else 'MISSED':7}{said}",
        flush=True,
    )
    return kept


@dataclass(frozen=True)
class Place:
    folder: Path
    victim: str
    attacker: str
    seconds: float


def prepared(arguments: argparse.Namespace, folder: Path) -> Place:
    settings = Settings.model_validate({"data_dir": folder})
    with open_storage(settings) as storage:
        keys = ApiKeys(storage.keys)
        (victim, victims_text), (attacker, text) = keys.create("victim"), keys.create("attacker")
        fill(storage, victim.caller, VICTIMS_USERS)
        fill(storage, attacker.caller, arguments.users)
    return Place(folder, victims_text, text, arguments.seconds)


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        place = prepared(arguments, Path(folder))
        environment = {
            **os.environ,
            "PERSE_DATA_DIR": folder,
            "PERSE_PACK": arguments.pack,
            "PERSE_MODEL_MIRROR": arguments.mirror,
            "PERSE_LOG_LEVEL": "error",
        }
        subprocess.run(
            [sys.executable, "-m", "perse", "setup"],
            env=environment,
            check=True,
            capture_output=True,
        )
        print(
            f"{date.today()}  {platform.machine()}, {os.cpu_count()} cores, Python "
            f"{platform.python_version()}; pack {arguments.pack}, {arguments.users} users; "
            f"{arguments.seconds:g} s each; load {os.getloadavg()[0]:.1f}\n\n"
            f"{'':18}{'detect p95, ms':>23}{'list p95, ms':>23} refused     peak  recovery\n"
            f"{'attack':18}{'quiet':>7} {'under':>8} {'':7}{'quiet':>7} {'under':>8}"
        )
        kept = [one_attack(name, place, environment) for name in arguments.only or ATTACKS]
    print(json.dumps({"kept": sum(kept), "of": len(kept)}))


def one_attack(name: str, place: Place, environment: dict[str, str]) -> bool:
    """Each on a server of its own, so that one attack's memory is not the next one's."""
    with served(environment) as server:
        victim, quiet = Victim(server.port, place.victim), Felt()
        for _ in range(WARM_ROUNDS):
            victim.feel(Felt())
        for _ in range(QUIET_ROUNDS):
            victim.feel(quiet)
        return attack(name, place, server, victim, quiet)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--mirror", default="../shared/models", help="PERSE_MODEL_MIRROR")
    parser.add_argument("--pack", default="standard")
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--only", type=lambda text: text.split(","), help=", ".join(ATTACKS))
    return parser.parse_args()


if __name__ == "__main__":
    main()
