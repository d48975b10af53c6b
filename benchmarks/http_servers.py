"""How HTTP servers for Python behave under our application, and what a request costs each.

    pip install --target build/servers granian hypercorn zttp
    PYTHONPATH=build/servers python -m benchmarks.http_servers [SERVER ...]

Each server runs in a process of its own over the real application with stand-ins for what
computes (tests/fakes). Every row sends bytes over sockets; "yes" is what we want. This is what
stands behind docs/decisions/0008-uvicorn-over-h11.md.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median

import psutil

from tests.fakes.faces import picture
from tests.served import RawAnswer, form, part, post, read_answer

REPOSITORY = Path(__file__).parents[1]
PATIENCE_S = 8
BODY_BYTES = 218_000
REQUESTS = 300
ROUNDS = 7
MEGABYTE = 1_000_000

_APP = """
import logging, sys
from perse.api.app import create_app
from perse.api.telemetry.logs import configure_logs
from tests.fakes.services import FakeServices
services = FakeServices()
configure_logs("error")
app = create_app(services, services.settings)
port = int(sys.argv[1])
print(services.api_key, flush=True)
logging.disable(logging.CRITICAL)
"""
_UVICORN = """
import uvicorn
uvicorn.run(app, port=port, http="{parser}", loop="asyncio", ws="none", lifespan="on",
            log_config=None, access_log=False, proxy_headers=False, server_header=False,
            timeout_keep_alive=3)
"""
STARTERS = {
    "perse": """
from perse.api.server.crowd import Crowd, Patience
from perse.api.server.server import serve
serve(app, host="127.0.0.1", port=port, on_ready=lambda url: None,
      crowd=Crowd(patience=Patience(idle_s=3)))
""",
    "uvicorn-httptools": _UVICORN.format(parser="httptools"),
    "uvicorn-h11": _UVICORN.format(parser="h11"),
    "uvicorn-zttp": _UVICORN.format(parser="zttp"),
    "hypercorn": """
import asyncio, hypercorn.asyncio
from hypercorn.config import Config
config = Config()
config.bind, config.keep_alive_timeout, config.errorlog = [f"127.0.0.1:{port}"], 3, None
config.h11_max_incomplete_size = 64 * 1024
asyncio.run(hypercorn.asyncio.serve(app, config))
""",
    "granian": """
import asyncio
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
asyncio.run(Server(app, address="127.0.0.1", port=port, interface=Interfaces.ASGI,
                   http1_settings=HTTP1Settings(max_buffer_size=64 * 1024)).serve())
""",
}


@dataclass(frozen=True)
class Running:
    port: int
    api_key: str
    process: psutil.Process

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)

    def exchange(self, request: bytes) -> list[RawAnswer | None]:
        """Every answer to one write; None stands for the end of the connection."""
        answers: list[RawAnswer | None] = []
        with self.connect() as connection:
            connection.settimeout(1.5)
            try:
                connection.sendall(request)
                while True:
                    answers.append(read_answer(connection))
            except TimeoutError:
                return answers
            except (AssertionError, OSError):
                return [*answers, None]

    @property
    def resident_mb(self) -> float:
        return self.process.memory_info().rss / MEGABYTE


@contextmanager
def running(server: str) -> Iterator[Running]:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-c", _APP + STARTERS[server], str(port)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY}:{os.environ.get('PYTHONPATH', '')}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        key = process.stdout.readline().strip()
        _await_port(port)
        yield Running(port, key, psutil.Process(process.pid))
    finally:
        process.kill()
        process.wait()


def _await_port(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the server does not start")


def login(server: Running, *headers: str, version: str = "1.1") -> bytes:
    body = json.dumps({"privateKey": server.api_key}).encode()
    if not any("content-length" in header.lower() for header in headers):
        headers = (*headers, f"Content-Length: {len(body)}")
    lines = [f"POST /v0/login HTTP/{version}", "Host: x", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def chunked(server: Running, *headers: str, trailer: str = "", version: str = "1.1") -> bytes:
    body = json.dumps({"privateKey": server.api_key}).encode()
    lines = [f"POST /v0/login HTTP/{version}", "Host: x", *headers, "", f"{len(body):x}", ""]
    return "\r\n".join(lines).encode() + body + f"\r\n0\r\n{trailer}\r\n".encode()


def one_good(answers: list[RawAnswer | None]) -> bool:
    return [answer and answer.status for answer in answers] == [200]


def refused(answers: list[RawAnswer | None]) -> bool:
    return (
        len(answers) == 2
        and answers[1] is None
        and answers[0] is not None
        and (answers[0].status == 400)
    )


def in_shape(answers: list[RawAnswer | None]) -> bool:
    try:
        answer = answers[0]
        return answer is not None and set(answer.json()) == {"code", "message", "status"}
    except (IndexError, ValueError):
        return False


def bare_refusal(server: Running, head: bytes) -> bool:
    return refused(server.exchange(head))


def upgrade(server: Running) -> bool:
    h2c = (
        "Connection: Upgrade, HTTP2-Settings",
        "Upgrade: h2c",
        "HTTP2-Settings: AAEAAEAAAAIAAAAB",
    )
    websocket = ("Connection: upgrade", "Upgrade: websocket")
    return all(one_good(server.exchange(login(server, *offer))) for offer in (h2c, websocket))


def both_lengths(server: Running) -> bool:
    te = "Transfer-Encoding: chunked"
    return refused(server.exchange(chunked(server, te, "Content-Length: 5")))


def duplicate_lengths(server: Running) -> bool:
    sizes = [
        ("Content-Length: 54", "Content-Length: 54"),
        ("Content-Length: 54", "Content-Length: 5"),
    ]
    return all(refused(server.exchange(login(server, *both))) for both in sizes)


def codings(server: Running) -> bool:
    values = (
        "gzip, chunked",
        "chunked, chunked",
        "xchunked",
        "chunked\r\nTransfer-Encoding: identity",
    )
    requests = [chunked(server, f"Transfer-Encoding: {value}") for value in values]
    requests.append(chunked(server, "Transfer-Encoding: chunked", version="1.0"))
    return all(refused(server.exchange(request)) for request in requests)


def folding(server: Running) -> bool:
    return bare_refusal(server, b"GET /version HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c\r\n\r\n")


def bare_line_feeds(server: Running) -> bool:
    heads = (
        b"GET /version HTTP/1.1\nHost: x\n\n",
        b"GET /version HTTP/1.1\r\nHost: x\nX-A: b\r\n\r\n",
        b"GET /version HTTP/1.1\r\nHost: x\r\nX-A: b\rX-C: d\r\n\r\n",
    )
    return all(bare_refusal(server, head) for head in heads)


def malformed_in_shape(server: Running) -> bool:
    heads = (b"rubbish\r\n\r\n", b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", b"\x16\x03\x01\x00\x05" * 4)
    answers = [server.exchange(head) for head in heads]
    return all(refused(answer) and in_shape(answer) for answer in answers)


def large_head(server: Running) -> bool:
    return refused(
        server.exchange(b"GET /version HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 200_000 + b"\r\n\r\n")
    )


def trailer_is_no_credential(server: Running) -> bool:
    body = form(part("image_file", picture()))
    head = post("/v0/face/detect", b"", "Transfer-Encoding: chunked")
    tail = f"\r\n0\r\nx-api-key: {server.api_key}\r\n\r\n".encode()
    answers = server.exchange(head + f"{len(body):x}\r\n".encode() + body + tail)
    return answers[:1] != [] and answers[0] is not None and answers[0].status == 401


def connect_closes(server: Running) -> bool:
    answers = server.exchange(
        b"CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\nGET /version HTTP/1.1\r\nHost: x\r\n\r\n"
    )
    return len(answers) == 2 and answers[1] is None


def close_is_echoed(server: Running) -> bool:
    answers = server.exchange(b"GET /version HTTP/1.1\r\nHost: x\r\nConnection: Close\r\n\r\n")
    return (
        len(answers) == 2
        and answers[0] is not None
        and answers[0].headers.get("connection", "").lower() == "close"
    )


def early_answer_heard(server: Running) -> bool:
    for headers in ((), ("Connection: close",)):
        with server.connect() as connection:
            connection.sendall(post("/v0/face/detect", b"x" * 20 * MEGABYTE, *headers))
            if read_answer(connection).status != 401:
                return False
    return True


def crlf_does_not_hold(server: Running) -> bool:
    """After an answer, within three times the keep-alive that was set for the candidates."""
    with server.connect() as connection:
        connection.sendall(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
        read_answer(connection)
        connection.sendall(b"\r\n")
        connection.settimeout(9)
        return connection.recv(10) == b""


def trailers_growth_mb(server: Running) -> float:
    before = server.resident_mb
    with server.connect() as connection:
        connection.sendall(
            post("/v0/face/detect", b"", "Transfer-Encoding: chunked", key=server.api_key)
        )
        connection.sendall(b"0\r\n")
        for _ in range(40):
            connection.sendall(b"X-Trailer: a\r\n" * 71_000)
        return server.resident_mb - before


def pipelining_growth_mb(server: Running) -> float:
    before = server.resident_mb
    batch = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 5000
    connections = [server.connect() for _ in range(20)]
    peak = before
    for connection in connections:
        connection.setblocking(False)
    for _ in range(60):
        for connection in connections:
            try:
                connection.send(batch)
            except OSError:
                continue
        peak = max(peak, server.resident_mb)
        time.sleep(0.05)
    for connection in connections:
        connection.close()
    return peak - before


def bounded(growth: Callable[[Running], float]) -> Callable[[Running], str]:
    def row(server: Running) -> str:
        try:
            return f"+{growth(server):.0f} MB"
        except OSError:
            return "refused"

    return row


def detecting(server: Running) -> bytes:
    body = form(part("image_file", picture(size=BODY_BYTES)))
    return post("/v0/face/detect", body, key=server.api_key)


def living(_: Running) -> bytes:
    return b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"


def cpu_ms(server: Running, request: bytes) -> float:
    """Processor time of the server for one request on an open connection."""
    with server.connect() as connection:
        _ask(connection, request)
        before = _cpu_s(server)
        for _ in range(REQUESTS):
            _ask(connection, request)
        return (_cpu_s(server) - before) / REQUESTS * 1000


def processor_times(servers: Sequence[str]) -> Iterator[str]:
    """Medians of rounds in turn, so that a slow moment of the machine meets all."""
    with ExitStack() as stack:
        started = [stack.enter_context(running(server)) for server in servers]
        for name, request in {"detect with 218 KB": detecting, "GET /health/live": living}.items():
            rounds = [[cpu_ms(each, request(each)) for each in started] for _ in range(ROUNDS)]
            medians = (f"{median(column):.2f} ms" for column in zip(*rounds, strict=True))
            yield f"| processor time, {name} | {' | '.join(medians)} |"


def _ask(connection: socket.socket, request: bytes) -> None:
    connection.sendall(request)
    assert read_answer(connection).status == 200


def _cpu_s(server: Running) -> float:
    times = server.process.cpu_times()
    return float(times.user + times.system)


def judged(check: Callable[[Running], bool]) -> Callable[[Running], str]:
    def row(server: Running) -> str:
        try:
            return "yes" if check(server) else "no"
        except (OSError, AssertionError):
            return "no"

    return row


ROWS: dict[str, Callable[[Running], str]] = {
    "an offered upgrade is ignored, the body intact": judged(upgrade),
    "Content-Length beside Transfer-Encoding: 400, close": judged(both_lengths),
    "two Content-Lengths: 400, close": judged(duplicate_lengths),
    "other transfer codings, or one in HTTP/1.0: 400, close": judged(codings),
    "folded lines: 400, close": judged(folding),
    "bare LF or CR: 400, close": judged(bare_line_feeds),
    "malformed HTTP in our error shape": judged(malformed_in_shape),
    "a head of 200 KB: 400, close": judged(large_head),
    "a key in a trailer is no credential": judged(trailer_is_no_credential),
    "CONNECT closes": judged(connect_closes),
    "Connection: close is echoed": judged(close_is_echoed),
    "an early answer to 20 MB is heard": judged(early_answer_heard),
    "a CRLF after an answer does not hold the connection": judged(crlf_does_not_hold),
    "40 MB of trailers": bounded(trailers_growth_mb),
    "pipelining on 20 connections, nothing read": bounded(pipelining_growth_mb),
}


def main() -> None:
    servers = sys.argv[1:] or list(STARTERS)
    columns = {server: _column(server) for server in servers}
    print(f"{date.today()}\n\n| | {' | '.join(servers)} |\n|---|{'---|' * len(servers)}")
    for row in ROWS:
        print(f"| {row} | {' | '.join(columns[server][row] for server in servers)} |")
    for line in processor_times(servers):
        print(line)


def _column(server: str) -> dict[str, str]:
    with running(server) as started:
        return {name: row(started) for name, row in ROWS.items()}


if __name__ == "__main__":
    main()
