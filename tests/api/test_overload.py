"""The door: how many get in, in which order, and who waits for whom."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import httpx
import pytest

from perse.api.admission.door import Door
from perse.api.admission.turns import Room
from perse.errors import NoFaceDetected, Overloaded
from tests.fakes.faces import FakeFaces, picture
from tests.fakes.services import FakeServices, settings
from tests.served import Served, form, part, post, read_answer, serving

DETECT = "/v0/face/detect"
ACME, OTHER = "acme", "other"
PATIENCE_S = 10.0


class Gate:
    """Work that waits until it is let through."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._arrivals = threading.Semaphore(0)

    def pass_through(self) -> None:
        self._arrivals.release()
        assert self._open.wait(PATIENCE_S)

    def await_arrivals(self, number: int) -> None:
        for _ in range(number):
            assert self._arrivals.acquire(timeout=PATIENCE_S)

    def open(self) -> None:
        self._open.set()


def _behind(gate: Gate, *, workers: int = 1) -> FakeServices:
    """Detections wait for the gate."""
    return FakeServices(
        settings(workers=workers, queue_size=3), faces=FakeFaces(before=gate.pass_through)
    )


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def _detect(served: Served) -> httpx.Response:
    with served.client() as client:
        return client.post(DETECT, files={"image_file": picture()})


def _waiting(served: Served) -> float:
    metrics = httpx.get(f"{served.url}/metrics").text
    line = next(li for li in metrics.splitlines() if li.startswith("perse_work_waiting "))
    return float(line.split()[1])


def test_one_more_than_there_is_room_for_is_refused_at_once() -> None:
    gate = Gate()
    services = _behind(gate, workers=2)
    with serving(services) as served, ThreadPoolExecutor(5) as clients:
        inside = [clients.submit(_detect, served) for _ in range(5)]
        gate.await_arrivals(2)
        _until(lambda: _waiting(served) == 3)
        with served.client() as client:
            client.get("/health/live")
            for _ in range(5):
                refused = client.post(DETECT, files={"image_file": picture()})
                assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
                assert int(refused.headers["retry-after"]) >= 1
            assert min(_refusal_s(client) for _ in range(10)) < 0.05
            assert client.get("/health/live").status_code == 200
        gate.open()
        assert [task.result().status_code for task in inside] == [200] * 5
        assert _detect(served).status_code == 200
        assert _waiting(served) == 0


def test_the_first_list_starts_no_thread_of_a_door() -> None:
    with serving(FakeServices()) as served, served.client() as client:
        before = _threads_of_doors()
        assert client.get("/v0/face/enrollment/list").status_code == 200
        assert _threads_of_doors() == before


def _threads_of_doors() -> set[str]:
    doors = ("perse-compute", "perse-storage", "perse-access")
    return {thread.name for thread in threading.enumerate() if thread.name.startswith(doors)}


def _refusal_s(client: httpx.Client) -> float:
    started = time.perf_counter()
    assert client.post(DETECT, files={"image_file": picture()}).status_code == 503
    return time.perf_counter() - started


@contextmanager
def _one_waits(gate: Gate, services: FakeServices) -> Iterator[tuple[Served, socket.socket]]:
    """The connection of a detection that waits for another, which is answered in the end."""
    request = post(DETECT, form(part("image_file", picture())), key=services.api_key)
    with serving(services) as served, ThreadPoolExecutor(1) as clients:
        first = clients.submit(_detect, served)
        gate.await_arrivals(1)
        with served.connect() as waiting:
            waiting.sendall(request)
            _until(lambda: _waiting(served) == 1)
            yield served, waiting
        assert first.result().status_code == 200


def test_a_client_that_leaves_the_queue_costs_nothing() -> None:
    gate = Gate()
    services = _behind(gate)
    with _one_waits(gate, services) as (served, impatient):
        impatient.close()
        _until(lambda: _waiting(served) == 0)
        gate.open()
    assert len(services.faces.decoded) == 1


def test_a_client_that_will_send_no_more_keeps_its_place_in_the_queue() -> None:
    gate = Gate()
    with _one_waits(gate, _behind(gate)) as (_, patient):
        patient.shutdown(socket.SHUT_WR)
        begun = patient.recv(100)
        assert b"HTTP/1.1 ".startswith(begun)
        gate.open()
        assert read_answer(patient, begun).status == 200


def test_one_that_leaves_after_saying_so_loses_it() -> None:
    gate = Gate()
    services = _behind(gate)
    with _one_waits(gate, services) as (served, impatient):
        impatient.shutdown(socket.SHUT_WR)
        assert impatient.recv(100) == b"H"
        impatient.close()
        _until(lambda: _waiting(served) == 0)
        gate.open()
    assert len(services.faces.decoded) == 1


def test_what_was_accepted_is_finished_before_the_end() -> None:
    gate = Gate()
    services = _behind(gate)
    with ThreadPoolExecutor(2) as clients:
        with serving(services) as served:
            inside = [clients.submit(_detect, served) for _ in range(2)]
            gate.await_arrivals(1)
            _until(lambda: _waiting(served) == 1)
            threading.Timer(0.3, gate.open).start()
        assert [task.result().status_code for task in inside] == [200, 200]
    assert services.closed


def test_an_idle_connection_does_not_delay_the_end() -> None:
    with serving() as served:
        connection = served.connect()
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read_answer(connection).status == 200
        started = time.monotonic()
    assert time.monotonic() - started < 3
    assert connection.recv(1) == b""
    connection.close()


# --- the door alone ------------------------------------------------------------------------------


def _with_door(work: Callable[[Door], object], *, workers: int = 2, waiting: int = 2) -> None:
    door = Door("test", Room(workers, waiting))

    async def main() -> None:
        result = work(door)
        if asyncio.iscoroutine(result):
            await result

    try:
        asyncio.run(main())
    finally:
        door.close()


def test_errors_of_the_work_come_through_and_leave_room() -> None:
    def fail() -> None:
        raise NoFaceDetected("none")

    async def use(door: Door) -> None:
        for _ in range(20):
            with pytest.raises(NoFaceDetected):
                await door.run(ACME, fail)
        assert (door.busy, door.waiting) == (0, 0)

    _with_door(use)


def test_work_starts_in_the_order_of_its_arrival() -> None:
    started: list[int] = []

    async def use(door: Door) -> None:
        gate = Gate()
        first = asyncio.create_task(door.run(ACME, gate.pass_through))
        await asyncio.sleep(0)
        rest = [asyncio.create_task(door.run(ACME, partial(started.append, n))) for n in range(5)]
        await asyncio.sleep(0)
        gate.open()
        await asyncio.gather(first, *rest)

    _with_door(use, workers=1, waiting=5)
    assert started == [0, 1, 2, 3, 4]


def test_cancelled_work_that_waits_is_never_started() -> None:
    started: list[str] = []

    async def use(door: Door) -> None:
        gate = Gate()
        first = asyncio.create_task(door.run(ACME, gate.pass_through))
        waiting = asyncio.create_task(door.run(ACME, lambda: started.append("x")))
        await asyncio.sleep(0)
        assert door.waiting == 1
        with pytest.raises(Overloaded):
            door.refuse_when_full(ACME)
        waiting.cancel()
        await asyncio.sleep(0)
        door.refuse_when_full(ACME)
        gate.open()
        await first

    _with_door(use, workers=1, waiting=1)
    assert started == []


def test_two_halves_run_side_by_side_where_a_worker_is_idle() -> None:
    meeting = threading.Barrier(2, timeout=PATIENCE_S)

    async def use(door: Door) -> None:
        both = await door.run(ACME, lambda: door.side_by_side(meeting.wait, meeting.wait))
        assert sorted(both) == [0, 1]

    _with_door(use, workers=2)


def test_two_halves_run_one_after_the_other_where_none_is() -> None:
    threads: list[int] = []

    def half() -> None:
        threads.append(threading.get_ident())

    async def use(door: Door) -> None:
        await door.run(ACME, lambda: door.side_by_side(half, half))

    _with_door(use, workers=1)
    assert len(threads) == 2
    assert len(set(threads)) == 1


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_halves_of_many_never_wait_for_one_another(workers: int) -> None:
    def nested(door: Door, depth: int) -> int:
        if not depth:
            time.sleep(0.0005)
            return 1
        halves = door.side_by_side(lambda: nested(door, depth - 1), lambda: nested(door, depth - 1))
        return sum(halves)

    async def use(door: Door) -> None:
        sums = await asyncio.gather(*(door.run(ACME, lambda: nested(door, 3)) for _ in range(12)))
        assert sums == [8] * 12
        assert (door.busy, door.waiting) == (0, 0)

    _with_door(use, workers=workers, waiting=12)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_first_half_to_fail_speaks(workers: int) -> None:
    def fail(name: str) -> None:
        raise NoFaceDetected(name)

    async def use(door: Door) -> None:
        both = partial(door.side_by_side, lambda: fail("one"), lambda: fail("two"))
        with pytest.raises(NoFaceDetected, match="one"):
            await door.run(ACME, both)
        with pytest.raises(NoFaceDetected, match="two"):
            await door.run(ACME, lambda: door.side_by_side(lambda: None, lambda: fail("two")))

    _with_door(use, workers=workers)


class Sample:
    """Something that must not outlive the work on it."""


@pytest.mark.parametrize("workers", [1, 2])
def test_nothing_of_failed_work_is_held_until_the_collector_runs(workers: int) -> None:
    async def use(door: Door) -> None:
        held = [Sample()]
        gone = weakref.ref(held[0])

        def fail(sample: Sample) -> None:
            raise NoFaceDetected(type(sample).__name__)

        both = partial(door.side_by_side, partial(fail, held[0]), partial(fail, held.pop()))
        with pytest.raises(NoFaceDetected):
            await door.run(ACME, both)
        del both
        for _ in range(100):  # a worker thread may be about to let go of it
            if gone() is None:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("still held")

    gc.collect()
    gc.disable()
    try:
        _with_door(use, workers=workers)
    finally:
        gc.enable()


def test_work_that_only_waits_any_more_gives_its_place_to_the_next() -> None:
    async def use(door: Door) -> None:
        gate, done = Gate(), list[str]()

        def store() -> None:
            door.let_go()
            door.let_go()  # once is enough
            gate.pass_through()

        storing = [asyncio.create_task(door.run(ACME, store)) for _ in range(3)]
        await asyncio.sleep(0)
        gate.await_arrivals(3)
        assert door.busy == 0
        await door.run(ACME, lambda: done.append("next"))
        assert done == ["next"]
        gate.open()
        await asyncio.gather(*storing)
        assert (door.busy, door.waiting) == (0, 0)

    _with_door(use, workers=1, waiting=3)


def test_no_more_than_a_few_wait_outside() -> None:
    async def use(door: Door) -> None:
        gate = Gate()

        def store() -> None:
            door.let_go()
            gate.pass_through()

        storing = [asyncio.create_task(door.run(ACME, store)) for _ in range(20)]
        await asyncio.sleep(0)
        gate.await_arrivals(9)
        assert (door.busy, door.waiting) == (1, 11)
        gate.open()
        await asyncio.gather(*storing)

    _with_door(use, workers=1, waiting=20)


def test_the_end_waits_for_those_outside() -> None:
    gate, done, door = Gate(), list[str](), Door("test", Room(1, 1))

    def store() -> None:
        door.let_go()
        gate.pass_through()
        done.append("stored")

    async def main() -> None:
        storing = asyncio.create_task(door.run(ACME, store))
        await asyncio.sleep(0)
        gate.await_arrivals(1)
        threading.Timer(0.1, gate.open).start()
        await asyncio.to_thread(door.close)
        assert done == ["stored"]
        await storing

    asyncio.run(main())
