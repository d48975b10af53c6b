"""Where the processor time of the HTTP side of one detection goes, stage by stage.

    python -m benchmarks.http_cost

Networks and decoder are fakes; the database is SQLite in a folder of its own. Each stage runs
alone, on one thread, and is told as the least of rounds taken in turn, so that a busy machine
tells nearly the same as a quiet one. What the kernel does for a connection is not in it.
"""

from __future__ import annotations

import asyncio
import os
import platform
import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import h11
import structlog
from starlette.types import ASGIApp, Message

from benchmarks.serving import BOUNDARY, multipart
from perse.api.admission.door import Door
from perse.api.admission.turns import Room
from perse.api.http.multipart import MultipartBody, PartLimits
from perse.api.server.framing import StrictConnection
from perse.api.telemetry.hearing import Hearing
from perse.api.telemetry.metrics import Metrics
from perse.api.v0.wire import detect_answer
from perse.auth.api_keys import ApiKeys
from perse.bootstrap.storage import open_storage
from perse.domain.access import Caller
from perse.domain.consent import ConsentEntry, Declaration, Processing
from perse.own_memory import keep_memory_private
from perse.settings import load_settings
from perse.stages import Stage as WorkStage
from perse.stages import during, heard_by
from perse.storage.ledger import SqlLedger
from tests.fakes.faces import picture
from tests.fakes.services import FakeServices, app_over

FILE_BYTES = 218_000
PIECE_BYTES = 64 * 1024
ROUNDS, TIMES = 15, 40
DETECT = "/v0/face/detect"

_ALL_STAGES = tuple(WorkStage)

Stage = Callable[[], object]


def main() -> None:
    keep_memory_private()  # as a server does: every copy is written twice
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    body = multipart({"image_file": picture(size=FILE_BYTES)})
    with TemporaryDirectory() as folder, asyncio.Runner() as runner:
        settings = load_settings(data_dir=Path(folder), database_url=None)
        with open_storage(settings) as storage:
            key, _ = ApiKeys(storage.keys).create("benchmark")
            ledger = SqlLedger.of(storage.database, bytes(32))
            stages = stages_of(body, runner) | {
                "ledger: one row, one commit": lambda: ledger.append([entry(key.caller)])
            }
            told = least_ms(stages)
    print(
        f"{date.today()}  {platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}; body of {len(body) // 1000} KB; processor time, least of "
        f"{ROUNDS} rounds\n"
    )
    for name, ms in told.items():
        print(f"{name:48} {ms:6.2f} ms")


def stages_of(body: bytes, runner: asyncio.Runner) -> dict[str, Stage]:
    services = FakeServices()
    app, faces, door = app_over(services), services.faces, Door("benchmark", Room(1, 1))
    content = picture(size=FILE_BYTES)
    detection = faces.detect(faces.decode(content))
    sent = {
        "x-api-key": services.api_key,
        "content-type": f"multipart/form-data; boundary={BOUNDARY}",
        "content-length": str(len(body)),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    request = f"POST {DETECT} HTTP/1.1\r\nhost: x\r\n{head}\r\n".encode() + body
    return {
        "connection: h11 reads head and body": lambda: read_by_h11(request),
        "form": lambda: read_form(body),
        "answer: from a detection to JSON": lambda: detect_answer(
            detection, faces.thresholds, time_taken=0.1
        ).to_json(),
        "middlewares and routing: GET /health/live": lambda: runner.run(
            exchange(app, "GET", "/health/live", {}, b"")
        ),
        "door: to a worker and back": lambda: runner.run(door.run("acme", lambda: None)),
        "stages: ten, heard, counted and told": partial(ten_stages, Metrics()),
        "the fakes' own detection": lambda: faces.detect(faces.decode(content)),
        "a detection, all of these but the connection": lambda: runner.run(
            exchange(app, "POST", DETECT, sent, body)
        ),
    }


def ten_stages(metrics: Metrics) -> None:
    """As many as a detection of one face passes."""
    hearing = Hearing(metrics.stages.passed)
    with heard_by(hearing):
        for number in range(10):
            with during(_ALL_STAGES[number % len(_ALL_STAGES)]):
                pass
    hearing.server_timing(0.1)


def read_by_h11(request: bytes) -> None:
    connection = StrictConnection()
    for start in range(0, len(request), PIECE_BYTES):
        connection.receive_data(request[start : start + PIECE_BYTES])
        while connection.next_event() not in (h11.NEED_DATA, h11.PAUSED):
            pass


def read_form(body: bytes) -> Mapping[str, bytes]:
    form = MultipartBody(BOUNDARY.encode(), PartLimits({"image_file": 10**7}, {}, 10**7))
    for start in range(0, len(body), PIECE_BYTES):
        form.feed(body[start : start + PIECE_BYTES])
    return form.finish()


async def exchange(
    app: ASGIApp, method: str, path: str, headers: Mapping[str, str], body: bytes
) -> None:
    """One request through the application, as the server hands it over."""
    pieces = [body[at : at + PIECE_BYTES] for at in range(0, len(body), PIECE_BYTES)] or [b""]
    answered = asyncio.Event()

    async def receive() -> Message:
        if not pieces:
            await answered.wait()
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def send(message: Message) -> None:
        assert message.get("status", 200) == 200, message
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            answered.set()

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
    }
    await app(scope, receive, send)


def entry(caller: Caller) -> ConsentEntry:
    now = datetime.now(UTC)
    return ConsentEntry(
        now, caller.tenant_id, caller.key_id, Processing.FACE_DETECT, Declaration.GIVEN
    )


def least_ms(stages: Mapping[str, Stage]) -> dict[str, float]:
    """Milliseconds of one run of each; rounds in turn, so that a slow moment meets all."""
    taken: dict[str, list[float]] = {name: [] for name in stages}
    for _ in range(ROUNDS):
        for name, stage in stages.items():
            started = time.process_time()
            for _ in range(TIMES):
                stage()
            taken[name].append((time.process_time() - started) / TIMES * 1000)
    return {name: min(times) for name, times in taken.items()}


if __name__ == "__main__":
    main()
