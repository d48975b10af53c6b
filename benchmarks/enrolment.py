"""What enrolled users cost: list and delete among 100,000, enrolment beside the networks.

    python -m benchmarks.enrolment --mirror ../shared/models [--database postgresql://...]

The server runs in this process with a real pack; requests go over HTTP on a kept connection. Times
are medians; waits for the disk are told apart by the time of one synchronised write in the same
run. The networks' part is measured on one picture, with and without what enrolment adds, in turn.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import sqlalchemy as sa
import structlog
from numpy.typing import NDArray

from benchmarks.floor import interleaved_medians_ms
from benchmarks.serving import sample_picture
from perse.api.app import create_app
from perse.api.server.server import make_server
from perse.auth.api_keys import ApiKeys
from perse.bootstrap.enrolment import EnrolmentServices
from perse.bootstrap.services import Services, open_services
from perse.bootstrap.weights import obtain_networks
from perse.domain.access import Caller
from perse.domain.consent import ConsentEntry, Declaration, Processing
from perse.domain.references import (
    BiometricReference,
    ReferenceRecord,
    Template,
    UserToken,
    new_user_token,
)
from perse.domain.samples import ModelName
from perse.pipelines.comparison import Picture
from perse.pipelines.ports import Other, Result
from perse.settings import Settings
from perse.storage.schema import subjects, templates, tenants
from perse.storage.storage import Storage
from perse.storage.template_rows import columns_of

_ROWS_AT_A_TIME = 5000
_QUALITY = {
    "underexposure": 0.080123,
    "overexposure": 0.0,
    "sharpness": 0.812345,
    "colour": 0.020456,
    "rotation": 6.412345,
    "recognisability": 0.971234,
}


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.model_validate(
            {
                "data_dir": folder,
                "pack": arguments.pack,
                "model_mirror": arguments.mirror,
                "database_url": arguments.database,
                "log_level": "warning",
            }
        )
        services = open_services(settings, obtain_networks(settings))
        services.warm()
        key, text = ApiKeys(services.storage.keys).create("benchmark")
        kind = services.storage.database.engine.dialect.name
        print(
            f"{date.today()}  {platform.machine()}, {os.cpu_count()} cores, Python "
            f"{platform.python_version()}; {kind}, pack {arguments.pack}\n"
        )
        print(f"one synchronised write of 4 KB    {synchronised_write_ms(Path(folder)):8.2f} ms")
        beside_the_networks(services, key.caller)
        tokens = fill(services.storage, key.caller, arguments.users)
        with serving(services, settings) as port:
            among_many(port, text, tokens)


def beside_the_networks(services: Services, caller: Caller) -> None:
    content, faces, enrolment = sample_picture(), services.faces, services.enrolment
    picture = Picture("picture", lambda: faces.decode(content))
    capture = enrolment.enrol.capture

    def detect() -> object:
        return faces.detect(faces.decode(content), side_by_side=_in_turn)

    def detect_recorded() -> object:
        written = services.consent.begin(_entry(caller, Processing.FACE_DETECT))
        found = detect()
        written.result()
        return found

    ms = interleaved_medians_ms(
        {
            "embed": lambda: capture(picture),
            "enrol": lambda: enrolment.enrol(caller, picture, declaration=Declaration.GIVEN),
            "detect": detect,
            "recorded": detect_recorded,
        },
        rounds=60,
    )
    print(f"detect, judge and embed           {ms['embed']:8.2f} ms")
    print(f"enrol                             {ms['enrol']:8.2f} ms   ", end="")
    print(f"{ms['enrol'] / ms['embed']:.3f} x")
    print(f"detect                            {ms['detect']:8.2f} ms")
    print(f"detect, written into the ledger   {ms['recorded']:8.2f} ms   ", end="")
    print(f"{ms['recorded'] / ms['detect']:.3f} x")
    batches = [(_per_second(detect, 8), _per_second(detect_recorded, 8)) for _ in range(8)]
    plain_8, recorded_8 = (statistics.median(batch) for batch in zip(*batches, strict=True))
    print(f"detect, 8 callers                 {plain_8:8.2f} /s")
    print(f"  written into the ledger         {recorded_8:8.2f} /s   {recorded_8 / plain_8:.3f} x")
    _delete_all(enrolment, caller)


def _in_turn(first: Callable[[], Result], second: Callable[[], Other]) -> tuple[Result, Other]:
    return first(), second()


def _per_second(work: Callable[[], object], callers: int, calls: int = 40) -> float:
    with ThreadPoolExecutor(callers) as pool:
        started = time.perf_counter()
        list(pool.map(lambda _: work(), range(calls)))
        return calls / (time.perf_counter() - started)


def _delete_all(enrolment: EnrolmentServices, caller: Caller) -> None:
    for token in enrolment.users.tokens(caller.tenant_id):
        enrolment.delete(caller, token)


def fill(storage: Storage, caller: Caller, count: int, *, values: int = 512) -> list[UserToken]:
    """Many users as enrolment makes them, in few transactions."""
    rng, tokens = np.random.default_rng(1), [new_user_token() for _ in range(count)]
    started = time.perf_counter()
    for first in range(0, count, _ROWS_AT_A_TIME):
        with storage.database.write() as connection:
            key = storage.references.tenant_keys.sealing_key(connection, caller.tenant_id)
            some = tokens[first : first + _ROWS_AT_A_TIME]
            numbers = connection.execute(
                sa.insert(subjects).returning(subjects.c.subject_id, sort_by_parameter_order=True),
                [_subject_row(caller, token) for token in some],
            ).scalars()
            features = rng.normal(size=(len(some), values)).astype(np.float32)
            references = map(reference_of, some, features)
            connection.execute(
                sa.insert(templates),
                [
                    {
                        "subject_id": number,
                        "sample_id": reference.record.name,
                        "created_at": reference.record.updated_at,
                        **columns_of(reference, key),
                    }
                    for number, reference in zip(numbers, references, strict=True)
                ],
            )
            connection.execute(
                sa.update(tenants)
                .where(tenants.c.tenant_id == caller.tenant_id)
                .values(
                    revision=tenants.c.revision + len(some),
                    subjects_held=tenants.c.subjects_held + len(some),
                    templates_held=tenants.c.templates_held + len(some),
                )
            )
    _settle(storage)
    print(f"\n{count} users made in {time.perf_counter() - started:.0f} s")
    return tokens


def _settle(storage: Storage) -> None:
    """What PostgreSQL does by itself within minutes after so many inserts."""
    if storage.database.is_sqlite:
        return
    engine = storage.database.engine.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text("VACUUM ANALYZE"))


def _subject_row(caller: Caller, token: UserToken) -> dict[str, object]:
    at = datetime.now(UTC)
    return {
        "tenant_id": caller.tenant_id,
        "user_token": token,
        "created_at": at,
        "updated_at": at,
    }


def reference_of(token: UserToken, features: NDArray[np.float32]) -> BiometricReference:
    template, at = Template.of(features, ModelName("net")), datetime.now(UTC)
    return BiometricReference(ReferenceRecord(token, template.model, _QUALITY, at, at), template)


def among_many(port: int, key: str, tokens: list[UserToken]) -> None:
    connection = HTTPConnection("127.0.0.1", port)

    def call(method: str, path: str) -> tuple[float, int]:
        started = time.perf_counter()
        connection.request(method, f"/v0/face/enrollment/{path}", headers={"x-api-key": key})
        answer = connection.getresponse()
        length = len(answer.read())
        elapsed_ms = (time.perf_counter() - started) * 1000
        assert answer.status == 200, (method, path, answer.status)
        return elapsed_ms, length

    first_ms, length = call("GET", "list")
    print(f"list all, first call of a process {first_ms:8.2f} ms   {length / 1e6:.1f} MB")
    _report("list all", [call("GET", "list")[0] for _ in range(30)])
    _report("list a page of 100", [call("GET", "list?limit=100")[0] for _ in range(30)])
    victims = np.random.default_rng(2).choice(len(tokens), 60, replace=False)
    _report("delete", [call("DELETE", tokens[n])[0] for n in victims[:30]])
    after_change = []
    for n in victims[30:]:
        call("DELETE", tokens[n])
        after_change.append(call("GET", "list")[0])
    _report("list all after a deletion", after_change)


def _report(name: str, times_ms: list[float]) -> None:
    worst = sorted(times_ms)[int(0.95 * len(times_ms))]
    print(f"{name:33} {statistics.median(times_ms):8.2f} ms   p95 {worst:.2f} ms")


def synchronised_write_ms(folder: Path) -> float:
    times = []
    with (folder / "probe").open("wb") as file:
        for _ in range(50):
            started = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


@contextmanager
def serving(services: Services, settings: Settings) -> Iterator[int]:
    ready, addresses = threading.Event(), list[str]()

    def announce(address: str) -> None:
        addresses.append(address)
        ready.set()

    structlog.configure(processors=[_silence])
    server = make_server(
        create_app(services, settings), host="127.0.0.1", port=0, on_ready=announce
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert ready.wait(60)
        yield int(addresses[0].rpartition(":")[2])
    finally:
        server.should_exit = True
        thread.join()


def _silence(_: object, __: str, ___: object) -> str:
    raise structlog.DropEvent


def _entry(caller: Caller, operation: Processing) -> ConsentEntry:
    now = datetime.now(UTC)
    return ConsentEntry(now, caller.tenant_id, caller.key_id, operation, Declaration.GIVEN)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--mirror", help="folder or URL that weights are taken from first")
    parser.add_argument("--pack", default="standard")
    parser.add_argument("--database", help="postgresql://...; SQLite without it")
    parser.add_argument("--users", type=int, default=100_000)
    return parser.parse_args()


if __name__ == "__main__":
    main()
