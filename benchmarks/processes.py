"""What several processes cost and bring: throughput, processor time and memory against one.

    python -m benchmarks.processes --mirror ../shared/models

Both servers stand side by side over one database, and the load is put on them in turn, so a slow
moment of the machine meets both; what is told are medians of the rounds. Workers are as many in
all, one for each core. Processor time is that of all processes of a server together. Memory is
Linux's: what a process alone holds (USS), and its part of what is shared (PSS).
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from contextlib import ExitStack
from datetime import date
from statistics import median

import psutil

from benchmarks.serving import Call, Server, drive, multipart, prepared_key, sample_picture, served

CLIENTS = 16
REST_S = 25.0  # a server gives back every 20 s what it freed


def main() -> None:
    arguments = _arguments()
    print(
        f"{date.today()}  {platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f}; pack {arguments.pack}, {CLIENTS} clients, "
        f"{arguments.requests} detections a round, medians of {arguments.rounds} rounds"
    )
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        environment = {
            **os.environ,
            "PERSE_DATA_DIR": folder,
            "PERSE_PACK": arguments.pack,
            "PERSE_MODEL_MIRROR": arguments.mirror,
            "PERSE_LOG_LEVEL": "warning",
        }
        key = prepared_key(environment)
        call = Call("/v0/face/detect", multipart({"image_file": sample_picture()}), key)
        servers = {
            processes: running.enter_context(
                served({**environment, "PERSE_PROCESSES": str(processes)})
            )
            for processes in (1, arguments.processes)
        }
        file = running.enter_context(tempfile.NamedTemporaryFile())
        file.write(call.raw())
        file.flush()
        report(servers, file.name, arguments)


def report(servers: dict[int, Server], file: str, arguments: argparse.Namespace) -> None:
    rates: dict[int, list[float]] = {processes: [] for processes in servers}
    times: dict[int, list[float]] = {processes: [] for processes in servers}
    for server in servers.values():
        drive(server.port, file, CLIENTS, 3)
    for _ in range(arguments.rounds):
        for processes, server in servers.items():
            before = processor_s(server)
            load = drive(server.port, file, CLIENTS, max(1, arguments.requests // CLIENTS))
            rates[processes].append(load["requests"] / load["seconds"])
            times[processes].append((processor_s(server) - before) / load["requests"])
    one, several = (median(rates[processes]) for processes in servers)
    for processes, server in servers.items():
        print(
            f"  {processes} process{'es' if processes > 1 else '  '}: "
            f"{median(rates[processes]):6.1f} a second, "
            f"{median(times[processes]) * 1000:5.1f} ms of processor time a request, "
            f"ready after {server.ready_s:.1f} s"
        )
    print(f"  throughput per core, {arguments.processes} against 1: {several / one:.1%}")
    memory(servers, "after the load")
    time.sleep(REST_S)
    memory(servers, "at rest")


def memory(servers: dict[int, Server], when: str) -> None:
    for processes, server in servers.items():
        parts = [process.memory_full_info() for process in family(server)]
        told = ", ".join(f"{part.rss / 1e6:.0f}/{part.uss / 1e6:.0f}" for part in parts)
        pss = sum(part.pss for part in parts) / 1e6
        print(f"  {processes}, {when}: {pss:.0f} MB in all; resident/alone {told} MB")


def processor_s(server: Server) -> float:
    times = [process.cpu_times() for process in family(server)]
    return sum(time.user + time.system for time in times)


def family(server: Server) -> list[psutil.Process]:
    """The parent first, those that serve last."""
    return [server.process, *server.process.children(recursive=True)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mirror", default="../shared/models", help="PERSE_MODEL_MIRROR")
    parser.add_argument("--pack", default="standard")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--requests", type=int, default=320)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
