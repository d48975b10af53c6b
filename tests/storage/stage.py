"""Processes of an installation, made in milliseconds by forking one that has imported everything.

    python -m tests.storage.stage SOCKET

Each connection gets a process of its own, which does what lines of JSON ask it. It can stop
before any step that outlives it (a file opened or renamed, a transaction begun or committed), so
that a test may kill it there or do other things before it goes on.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import socketserver
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from perse.domain.access import TenantId
from perse.domain.consent import Processing
from perse.domain.identification import SearchTerms
from perse.domain.likeness import FaceLikeness
from perse.domain.references import Modality, UserToken
from perse.errors import PerseError
from perse.search.live_search import LiveSearch
from perse.storage.master_key import MasterKeySource
from perse.storage.master_key_file import MasterKeyFile
from perse.storage.rotation import RotateSecrets
from perse.storage.storage import MasterKeyChoice, Storage, open_storage
from tests.fakes.storage import FakeSigner
from tests.storage.samples import SCALE, SEARCHED, api_key, entry, moved, reference, template

REPOSITORY = Path(__file__).parents[2]


# --- the process ---------------------------------------------------------------------------------


@dataclass
class Steps:
    """Stops this process before step ``stop_at``, counted from the beginning of a rotation; with
    ``outside`` only steps count before which it keeps nobody waiting."""

    stop_at: int
    outside: bool
    folder: str
    stop: Callable[[], None]
    done: int = 0
    open: int = 0

    def listen(self, *, lock_is_a_transaction: bool) -> None:
        self.open = -1 if lock_is_a_transaction else 0
        sa.event.listen(sa.Engine, "begin", self._begin)
        for ending in ("commit", "rollback"):
            sa.event.listen(sa.Engine, ending, self._end)
        sys.addaudithook(self._audit)

    def _begin(self, _: sa.Connection) -> None:
        self._step()
        self.open += 1

    def _end(self, _: sa.Connection) -> None:
        self._step()
        self.open -= 1

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in {"open", "os.rename", "os.remove"} and self.folder in str(arguments[0]):
            self._step(alone=False)

    def _step(self, *, alone: bool = True) -> None:
        if self.outside and (self.open > 0 or not alone):
            return
        at, self.done = self.done, self.done + 1
        if at == self.stop_at:
            self.stop()


class Performer(socketserver.StreamRequestHandler):
    """One process: a server of the installation, or a rotation."""

    storage: Storage
    search: LiveSearch

    def handle(self) -> None:
        self._say(os.getpid())
        for line in self.rfile:
            name, *arguments = json.loads(line)
            try:
                self._say(getattr(self, f"do_{name}")(*arguments))
            except PerseError as error:
                self._say({"error": error.code, "message": error.message})

    def _say(self, answer: object) -> None:
        self.wfile.write(json.dumps(answer).encode() + b"\n")

    def _stop(self) -> None:
        self._say("stopped")
        self.rfile.readline()

    def do_open(self, url: str, folder: str, keys: str | None) -> None:
        source: MasterKeySource | None = None if keys is None else lambda: str(keys)
        choice = MasterKeyChoice(Path(folder) / "master.key", source)
        self.storage = open_storage(url, master_key=choice, signer=FakeSigner())
        self.search = LiveSearch(
            self.storage.subject_feed, {Modality.FACE: SEARCHED}, most_bytes=1_000_000
        )

    def do_add_tenant(self, tenant: str) -> None:
        self.storage.keys.add(api_key(f"key of {tenant} {time.time_ns()}", tenant=TenantId(tenant)))

    def do_enrol(self, tenant: str, seed: int) -> str:
        made = reference(seed, values=16)
        return self.storage.references.add(made, entry=entry(TenantId(tenant))).user_token

    def do_update(self, tenant: str, token: str, seed: int) -> None:
        made = reference(seed, token=UserToken(token), values=16)
        self.storage.references.replace(made, entry=entry(TenantId(tenant)))

    def do_delete(self, tenant: str, token: str) -> None:
        noted = entry(TenantId(tenant), Processing.DELETE, token=UserToken(token))
        self.storage.references.delete(UserToken(token), entry=noted)

    def do_identify(self, tenant: str, seed: int, most: int) -> list[tuple[str, float]]:
        """Who may be the person of that number, and how similar they are."""
        found = self.search.identify(
            TenantId(tenant),
            Modality.FACE,
            FaceLikeness(template(seed, values=16), SCALE),
            SearchTerms(most),
        )
        return [(it.subject, it.similarity) for it in found.candidates]

    def do_move(self, tenant: str, token: str, stop_at: int) -> bool:
        before = self.storage.references.find(TenantId(tenant), UserToken(token))
        steps = Steps(stop_at, outside=False, folder="no file", stop=self._stop)
        steps.listen(lock_is_a_transaction=False)
        noted = entry(TenantId(tenant), Processing.MOVE, token=UserToken(token))
        return self.storage.references.move(before, moved(before), entry=noted)

    def do_erase(self, tenant: str) -> None:
        self.storage.tenants.erase(
            entry=entry(TenantId(tenant), operation=Processing.TENANT_DELETE)
        )

    def do_read(self, owners: Sequence[tuple[str, str]]) -> int:
        for tenant, token in owners:
            self.storage.references.find(TenantId(tenant), UserToken(token))
        return len(owners)

    def do_rotate(
        self, folder: str | None, tenant_keys: bool, stop_at: int, outside: bool, wait_s: float
    ) -> str:
        database = self.storage.database
        steps = Steps(stop_at, outside, folder or "no file", self._stop)
        steps.listen(lock_is_a_transaction=not database.is_sqlite)
        file = None if folder is None else MasterKeyFile(Path(folder) / "master.key")
        rotate = RotateSecrets(
            database, self.storage.master, file, self.storage.journal, wait_s=wait_s
        )
        return rotate(renew_tenant_keys=tenant_keys).master_key


class _Stage(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
    max_children = 1000
    request_queue_size = 100


# --- the test's side -----------------------------------------------------------------------------


class Refused(Exception):
    """What the process answered with: an error of perse's own."""


@dataclass
class Process:
    """The test's end of one process."""

    connection: socket.socket
    pid: int = 0
    _lines: Iterator[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self._lines = _lines(self.connection)
        self.pid = int(str(self.hear()))

    def ask(self, name: str, *arguments: object) -> object:
        self.tell(name, *arguments)
        return self.hear()

    def tell(self, name: str, *arguments: object) -> None:
        self.connection.sendall(json.dumps([name, *arguments]).encode() + b"\n")

    def hear(self) -> object:
        answer: object = json.loads(next(self._lines))
        if isinstance(answer, dict):
            raise Refused(f"{answer['error']}: {answer['message']}")
        return answer

    def resume(self) -> str:
        return str(self.ask("go on"))

    def rotate(
        self,
        folder: Path | None,
        *,
        tenant_keys: bool = False,
        stop_at: int = -1,
        outside: bool = False,
        wait_s: float = 20,
    ) -> str:
        """The id of the new master key, or "stopped". ``folder``: None where keys are given."""
        place = None if folder is None else str(folder)
        return str(self.ask("rotate", place, tenant_keys, stop_at, outside, wait_s))

    def kill(self) -> None:
        """Return when it is gone, and what it held with it."""
        if self.connection.fileno() >= 0:
            os.kill(self.pid, signal.SIGKILL)
            with suppress(ConnectionResetError):  # it had not read all that it was asked
                for _ in self._lines:
                    pass
            self.connection.close()


def _lines(connection: socket.socket) -> Iterator[bytes]:
    with connection.makefile("rb") as lines:
        yield from lines


@dataclass(frozen=True)
class Stage:
    """Where processes come from."""

    address: str
    processes: list[Process] = field(default_factory=list)

    def process(self) -> Process:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(300)
        connection.connect(self.address)
        self.processes.append(Process(connection))
        return self.processes[-1]

    def server(self, url: str, folder: Path, *, keys: str | None = None) -> Process:
        """A process that has opened what is kept. Raises Refused."""
        process = self.process()
        process.ask("open", url, str(folder), keys)
        return process

    def clear(self) -> None:
        """End every process."""
        while self.processes:
            self.processes.pop().kill()


@contextmanager
def running_stage() -> Iterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="perse-") as folder:
        address = f"{folder}/stage"
        command = [sys.executable, "-m", "tests.storage.stage", address]
        with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            try:
                yield Stage(address)
            finally:
                process.kill()


def main(address: str) -> None:
    with _Stage(address, Performer) as stage:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        stage.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
