"""A server of several processes over fake services, as operators start and end it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import psutil

REPOSITORY = Path(__file__).parents[1]
PATIENCE_S = 120.0
_PROGRAM = """
import os, sys, time, uuid
from pathlib import Path
from perse.api.server.berth import become_parent, take_berth

folder, processes, parents = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
berth = take_berth()
if berth is None:
    (folder / "key").write_text(str(uuid.uuid4()))
    become_parent(parents, host="127.0.0.1", port=0)

from dataclasses import replace
from perse.api.app import create_app
from perse.api.server.crowd import Crowd, Room
from perse.api.server.member import Serving, serve_in
from perse.api.telemetry.logs import configure_logs
from perse.api.telemetry.metrics import Metrics
from perse.auth.api_keys import digest_of
from perse.bootstrap.shares import share_of
from perse.failures import sentence
from perse.errors import PerseError, SetupError
from tests.fakes.faces import FakeFaces
from tests.fakes.services import FakeServices, settings
from tests.fakes.sockets import echo

def wait():
    while not (folder / "open").exists():
        time.sleep(0.01)

if (folder / "broken").exists():
    sys.exit("perse: it is broken: mend it")
own = share_of(settings(workers=2, queue_size=2), processes)
configure_logs("warning")
services = FakeServices(own, faces=FakeFaces(before=wait))
digest = digest_of((folder / "key").read_text())
services.store.add(replace(services.store.all()[0], name="known", digest=digest))

def open_one(board):
    if (folder / "torn").exists():
        raise SetupError("it is torn: sew it")
    metrics = Metrics(board)
    app = create_app(services, own, metrics, sockets=[echo()])

    async def marking(scope, receive, send):
        async def tell(message):
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                (folder / f"opened-{os.getpid()}").touch()

        await app(scope, receive, tell if scope["type"] == "lifespan" else send)

    return Serving(marking, Crowd(Room.of(own), metrics=metrics), metrics)

try:
    serve_in(berth, processes // parents, open_one)
except PerseError as error:
    sys.exit(f"perse: {sentence(error)}")
"""


@dataclass(frozen=True)
class Processes:
    """``parent`` watches; ``url`` is where all of them answer."""

    parent: psutil.Process
    url: str
    folder: Path

    @property
    def api_key(self) -> str:
        return (self.folder / "key").read_text()

    def serving(self) -> list[psutil.Process]:
        """Those that serve: nobody's parents."""
        with suppress(psutil.NoSuchProcess):
            below = self.parent.children(recursive=True)
            parents = {process.ppid() for process in below}
            return [process for process in below if process.pid not in parents]
        return []

    def are_open(self) -> bool:
        """Whether two serve, and have opened what they serve."""
        serving = self.serving()
        opened = [
            process for process in serving if (self.folder / f"opened-{process.pid}").exists()
        ]
        return len(serving) == len(opened) == 2

    def connection(self) -> HTTPConnection:
        return HTTPConnection(self.url.removeprefix("http://"), timeout=PATIENCE_S)

    def get(self, path: str) -> tuple[int, str]:
        """Status and body, over a connection of its own."""
        with closing(self.connection()) as connection:
            return asked(connection, path)

    def counted(self, name: str) -> float:
        """The metrics of all of them that begin like that, added up."""
        lines = self.get("/metrics")[1].splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    def log(self) -> str:
        return (self.folder / "log").read_text()


def asked(connection: HTTPConnection, path: str) -> tuple[int, str]:
    """Status and body of one more request on that connection."""
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def serving_processes(folder: Path, *, processes: int = 2, parents: int = 1) -> Iterator[Processes]:
    """They wait in a detection until there is a file ``open`` in ``folder``."""
    words = [sys.executable, "-c", _PROGRAM, str(folder), str(processes), str(parents)]
    with started(words, folder, PYTHONPATH=str(REPOSITORY)) as process:
        url = ready_at(process, folder)
        yield Processes(psutil.Process(process.pid), url, folder)


@contextmanager
def started(
    command: list[str], folder: Path, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """A process that is ended, with all below it, when the block is. Its stderr is ``log``."""
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            command, cwd=REPOSITORY, env={**os.environ, **environment}, stderr=log, text=True
        ) as process,
    ):
        below = psutil.Process(process.pid)
        try:
            yield process
        finally:
            left = [below, *below.children(recursive=True)] if below.is_running() else []
            for one in left:
                with suppress(psutil.NoSuchProcess):
                    one.send_signal(signal.SIGKILL)


def ready_at(process: subprocess.Popen[str], folder: Path) -> str:
    """The address that the log names."""

    def announced() -> bool:
        text = (folder / "log").read_text()
        assert process.poll() is None, text
        return "ready at " in text and text.endswith("\n")

    until(announced)
    return (folder / "log").read_text().partition("ready at ")[2].split()[0]
