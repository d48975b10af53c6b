"""What the first list of users costs a server that has just started, against those after it.

    .venv/bin/python -m benchmarks.first_list --mirror ../shared/models [--starts 5]

Each start is a real server in a process of its own, over the same made-up users; a list is asked
for over HTTP by a client that knows the server as little.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from datetime import date
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.enrolment import fill
from benchmarks.serving import served
from perse.auth.api_keys import ApiKeys
from perse.bootstrap.storage import open_storage
from perse.settings import Settings

LATER = 9


def main() -> None:
    given = _arguments()
    with TemporaryDirectory() as folder:
        with open_storage(Settings.model_validate({"data_dir": Path(folder)})) as storage:
            key, text = ApiKeys(storage.keys).create("benchmark")
            fill(storage, key.caller, given.users)
        environment = {
            **os.environ,
            "PERSE_DATA_DIR": folder,
            "PERSE_MODEL_MIRROR": given.mirror,
            "PERSE_LOG_LEVEL": "error",
        }
        command = [sys.executable, "-m", "perse", "setup"]
        subprocess.run(command, env=environment, check=True, capture_output=True)
        print(
            f"{date.today()}  {platform.machine()}, {os.cpu_count()} cores, Python "
            f"{platform.python_version()}; {given.users} users, SQLite; load "
            f"{os.getloadavg()[0]:.1f}"
        )
        firsts = [_first_ms(environment, text) for _ in range(given.starts)]
    print(f"first list, median of {given.starts} starts: {statistics.median(firsts):.1f} ms")


def _first_ms(environment: dict[str, str], key: str) -> float:
    with served(environment) as server:
        connection = HTTPConnection("127.0.0.1", server.port)
        first, *later = [_list_ms(connection, key) for _ in range(1 + LATER)]
    print(
        f"  first {first:6.1f} ms, median of the {LATER} after it {statistics.median(later):5.1f}"
    )
    return first


def _list_ms(connection: HTTPConnection, key: str) -> float:
    started = time.perf_counter()
    connection.request("GET", "/v0/face/enrollment/list", headers={"x-api-key": key})
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200
    return (time.perf_counter() - started) * 1000


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mirror", default="../shared/models", help="PERSE_MODEL_MIRROR")
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--starts", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
