"""The server in a process of its own, whose memory and descriptors can be watched."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

REPOSITORY = Path(__file__).parents[1]
_PROGRAM = """
import resource, sys
descriptors = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
from perse.api.app import create_app
from perse.api.server.crowd import Crowd, Room
from perse.api.telemetry.logs import configure_logs
from perse.api.telemetry.metrics import Metrics
from perse.api.server.server import serve
from tests.fakes.services import FakeServices
from tests.fakes.sockets import echo
from perse.api.http.conversation import SocketLimits
limits = SocketLimits(messages_per_s=50, in_all=300, per_party=300)
configure_logs("warning")
services, metrics = FakeServices(), Metrics()
print(services.api_key, flush=True)
app = create_app(services, services.settings, metrics, sockets=[echo(limits)])
serve(app, host="127.0.0.1", port=0,
      on_ready=lambda url: print(url, flush=True),
      crowd=Crowd(Room.of(services.settings), metrics=metrics))
"""


@dataclass(frozen=True)
class ServingProcess:
    api_key: str
    port: int
    process: psutil.Process
    log: Path

    @property
    def resident_mb(self) -> float:
        return self.process.memory_info().rss / 1_000_000

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        address = ("127.0.0.1", self.port)
        return socket.create_connection(address, timeout=20, source_address=(source, 0))


@contextmanager
def serving_process(folder: Path, *, descriptors: int = 1024) -> Iterator[ServingProcess]:
    """Fake services behind the real server, ended with the block. Its log goes into ``folder``."""
    log = folder / "server.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(descriptors)],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            key, address = (process.stdout.readline().strip() for _ in range(2))
            port = int(address.rpartition(":")[2])
            yield ServingProcess(key, port, psutil.Process(process.pid), log)
        finally:
            process.terminate()
