"""A real server over fake services, in a thread, and the plainest of clients."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from perse.api.admission.restraint import Restraint
from perse.api.app import create_app
from perse.api.http.sockets import SocketOperation
from perse.api.server.crowd import Crowd, Patience, Room
from perse.api.server.server import make_server
from perse.api.telemetry.metrics import Metrics
from tests.fakes.services import FakeServices

BOUNDARY = "----perse-test-boundary"


@dataclass(frozen=True)
class Served:
    url: str
    services: FakeServices
    end: Callable[[], None] = field(default=lambda: None, kw_only=True)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def client(self) -> httpx.Client:
        return httpx.Client(
            base_url=self.url, headers={"x-api-key": self.services.api_key}, timeout=10
        )

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def send(self, request: bytes) -> RawAnswer:
        """One request over a connection of its own."""
        with self.connect() as connection:
            connection.sendall(request)
            return read_answer(connection)


def until_refused(ask: Callable[[], httpx.Response], *, patience_s: float = 3.0) -> float:
    """Seconds until the answer is 401."""
    return until_status(401, ask, patience_s=patience_s)


def until_status(
    status: int, ask: Callable[[], httpx.Response], *, patience_s: float = 3.0
) -> float:
    """Seconds until the answer has that status."""
    started = time.monotonic()
    while ask().status_code != status:
        assert time.monotonic() - started < patience_s
        time.sleep(0.01)
    return time.monotonic() - started


@contextmanager
def serving(
    services: FakeServices | None = None,
    patience: Patience | None = None,
    room: Room | None = None,
    *,
    host: str = "127.0.0.1",
    restraint: Restraint | None = None,
    sockets: Sequence[SocketOperation] = (),
    last_call_s: float = 0.0,
) -> Iterator[Served]:
    services = services or FakeServices()
    metrics = Metrics()
    # Whoever still has a connection when a test ends will not ask again.
    patience = replace(patience or Patience(), last_call_s=last_call_s)
    crowd = Crowd(room or Room.of(services.settings), patience, metrics)
    ready, addresses = threading.Event(), list[str]()

    def announce(address: str) -> None:
        addresses.append(address)
        ready.set()

    server = make_server(
        create_app(services, services.settings, metrics, restraint, sockets),
        host=host,
        port=0,
        on_ready=announce,
        crowd=crowd,
    )

    def end() -> None:
        server.should_exit = True

    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert ready.wait(10)
        yield Served(addresses[0], services, end=end)
    finally:
        end()
        thread.join(10)
    assert not thread.is_alive()


def is_closed(connection: socket.socket) -> bool:
    """True if the other side ends the connection, with or without what is left of an answer."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        pass
    except TimeoutError:
        return False
    return True


@dataclass(frozen=True)
class RawAnswer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document


def read_answer(connection: socket.socket, received: bytes = b"") -> RawAnswer:
    """The next answer of a connection, by its Content-Length, of which so much was received."""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        body += _more(connection)
    return RawAnswer(int(status.split()[1]), headers, body)


def _more(connection: socket.socket) -> bytes:
    chunk = connection.recv(65536)
    assert chunk, "the connection was closed before the answer was complete"
    return chunk


def part(name: str, content: bytes, *headers: str) -> bytes:
    """A multipart part as a client without filenames sends it."""
    lines = [f'Content-Disposition: form-data; name="{name}"', *headers]
    return "\r\n".join([f"--{BOUNDARY}", *lines, "", ""]).encode() + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def post(path: str, body: bytes, *headers: str, key: str | None = None) -> bytes:
    """A whole POST request with a multipart body."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: perse.test",
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}",
        *headers,
    ]
    if key:
        lines.append(f"x-api-key: {key}")
    if not any(line.lower().startswith("transfer-encoding") for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body
