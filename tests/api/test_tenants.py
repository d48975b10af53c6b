"""One tenant against another, on real sockets: nobody is refused for what others do."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from perse.api.admission.restraint import Restraint
from perse.api.admission.turnstile import TakeTurns, Turnstile
from perse.api.http.answers import JsonInPieces
from perse.api.telemetry.exchange import begin_exchange
from perse.domain.access import TenantId
from perse.domain.consent import ConsentEntry
from perse.domain.references import (
    BiometricReference,
    ReferenceRecord,
    UserToken,
    UserTokens,
    new_user_token,
)
from tests.api.test_overload import Gate
from tests.fakes.faces import FakeFaces, picture
from tests.fakes.keys import MemoryKeys
from tests.fakes.services import FakeServices, app_over, settings
from tests.fakes.storage import FakePerson, FakeReferences
from tests.served import BOUNDARY, Served, form, part, read_answer, serving
from tests.storage.samples import reference

DETECT, LIST = "/v0/face/detect", "/v0/face/enrollment/list"
ENROL = "/v0/face/enrollment"
PATIENCE_S = 10.0


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def _metric(served: Served, name: str) -> float:
    lines = httpx.get(f"{served.url}/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


def _detect(served: Served, key: str) -> httpx.Response:
    files = {"image_file": picture()}
    return httpx.post(served.url + DETECT, files=files, headers={"x-api-key": key}, timeout=20)


def test_while_one_tenant_fills_every_worker_and_the_room_another_is_served() -> None:
    gate = Gate()
    services = FakeServices(settings(workers=2, queue_size=3), faces=FakeFaces())
    _, other = services.keys.create("other")
    services.faces.before = gate.pass_through
    with serving(services) as served, ThreadPoolExecutor(6) as many:
        inside = [many.submit(_detect, served, services.api_key) for _ in range(5)]
        gate.await_arrivals(2)
        _until(lambda: _metric(served, "perse_work_waiting ") == 3)
        assert _detect(served, services.api_key).status_code == 503
        services.faces.before = lambda: None
        for _ in range(5):
            assert _detect(served, other).status_code == 200
        gate.open()
        assert [task.result().status_code for task in inside] == [200] * 5
        assert _metric(served, 'perse_work_refused_total{cause="full",door="compute"}') == 1


def test_the_longest_queue_gives_way_to_another_tenant() -> None:
    gate = Gate()
    services = FakeServices(
        settings(workers=1, queue_size=2), faces=FakeFaces(before=gate.pass_through)
    )
    _, other = services.keys.create("other")
    with serving(services) as served, ThreadPoolExecutor(6) as many:
        greedy = [many.submit(_detect, served, services.api_key) for _ in range(3)]
        gate.await_arrivals(1)
        _until(lambda: _metric(served, "perse_work_waiting ") == 2)
        others = [many.submit(_detect, served, other)]
        gate.await_arrivals(1)  # on the spare worker
        others.append(many.submit(_detect, served, other))
        _until(lambda: _metric(served, 'perse_work_refused_total{cause="pushed_out"') == 1)
        gate.open()
        statuses = sorted(task.result().status_code for task in greedy)
        assert statuses == [200, 200, 503]
        assert [task.result().status_code for task in others] == [200, 200]


def test_a_flood_at_two_servers_starves_nobody_at_either() -> None:
    gate, keys = Gate(), MemoryKeys()
    both = [
        FakeServices(
            settings(workers=2, queue_size=3),
            faces=FakeFaces(before=gate.pass_through),
            store=keys if n == 0 else MemoryKeys(),
        )
        for n in range(2)
    ]
    both[1].authenticator = both[0].authenticator
    flood, (_, other) = both[0].api_key, both[0].keys.create("other")
    with ExitStack() as servers, ThreadPoolExecutor(24) as many:
        served = [servers.enter_context(serving(it)) for it in both]
        inside = [many.submit(_detect, it, flood) for it in served for _ in range(5)]
        gate.await_arrivals(4)
        for it in served:
            _until(lambda at=it: _metric(at, "perse_work_waiting ") == 3)  # type: ignore[misc]
        refused = [many.submit(_detect, it, flood) for it in served for _ in range(5)]
        assert [task.result().status_code for task in refused] == [503] * 10
        for services in both:
            services.faces.before = lambda: None
        assert [_detect(it, other).status_code for it in served] == [200, 200]
        gate.open()
        assert [task.result().status_code for task in inside] == [200] * 10


@dataclass
class SlowStore(FakeReferences):
    """Keeps nothing until it may."""

    gate: Gate = field(default_factory=Gate)

    def replace(self, reference: BiometricReference, *, entry: ConsentEntry) -> ReferenceRecord:
        self.gate.pass_through()
        return super().replace(reference, entry=entry)


def test_updates_that_wait_for_a_slow_database_take_no_worker() -> None:
    services = FakeServices(settings(workers=1, queue_size=3))
    store = SlowStore(services.ledger)
    services.enrolment = replace(services.enrolment, references=store)
    with serving(services) as served, served.client() as client, ThreadPoolExecutor(3) as many:
        enrolled = client.post(ENROL, files={"image_file": picture()}).json()["user_token"]
        form = {"image_file": picture(), "user_token": enrolled.encode()}
        ask = partial(client.put, ENROL, files={name: (None, it) for name, it in form.items()})
        updates = [many.submit(ask) for _ in range(3)]
        store.gate.await_arrivals(3)
        assert _detect(served, services.api_key).status_code == 200
        store.gate.open()
        assert [update.result().status_code for update in updates] == [200] * 3


# --- bytes of bodies -----------------------------------------------------------------------------

MEGABYTE = 1_000_000
_HEADERS = f"Host: x\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n"


@pytest.fixture
def tight() -> Iterator[Served]:
    """Room for one body of a megabyte for each of a few tenants."""
    limits = settings(body_memory_bytes=4 * MEGABYTE, max_audio_bytes=900_000)
    with serving(FakeServices(limits)) as served:
        yield served


def _begun(served: Served, key: str, length: str) -> socket.socket:
    connection = served.connect()
    head = f"POST {DETECT} HTTP/1.1\r\n{_HEADERS}x-api-key: {key}\r\n{length}\r\n\r\n"
    connection.sendall(head.encode())
    return connection


def test_announced_bodies_are_refused_before_a_byte_of_them_is_read(tight: Served) -> None:
    key, (_, other) = tight.services.api_key, tight.services.keys.create("other")
    with ExitStack() as open_connections:
        for _ in range(2):
            open_connections.enter_context(_begun(tight, key, f"Content-Length: {MEGABYTE}"))
        _until(lambda: _metric(tight, "perse_body_bytes ") == 2 * MEGABYTE)
        with _begun(tight, key, f"Content-Length: {MEGABYTE}") as refused:
            answer = read_answer(refused)
        assert (answer.status, answer.json()["code"]) == (503, "overloaded")
        assert int(answer.headers["retry-after"]) >= 1
        assert _detect(tight, other).status_code == 200
    _until(lambda: _metric(tight, "perse_body_bytes ") == 0)
    assert _detect(tight, key).status_code == 200


def test_a_body_of_unknown_length_is_refused_as_it_grows(tight: Served) -> None:
    key = tight.services.api_key
    with _begun(tight, key, f"Content-Length: {MEGABYTE}") as held:
        _until(lambda: _metric(tight, "perse_body_bytes ") == MEGABYTE)
        with _begun(tight, key, "Transfer-Encoding: chunked") as growing:
            body = form(part("image_file1", picture(size=890_000)))[: MEGABYTE - 1]
            second = part("image_file2", picture(size=800_000))
            chunk = body + second
            growing.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            growing.sendall(b"0\r\n\r\n")
            assert read_answer(growing).status in (400, 503)
        held.close()
    _until(lambda: _metric(tight, "perse_body_bytes ") == 0)


def test_the_largest_form_fits_however_small_the_memory_was_set() -> None:
    services = FakeServices(settings(body_memory_bytes=MEGABYTE, max_image_bytes=3 * MEGABYTE))
    with serving(services) as served, served.client() as client:
        large = picture(size=3 * MEGABYTE)[: 3 * MEGABYTE]
        answer = client.post("/v0/face/compare", files={"image_file1": large, "image_file2": large})
    assert answer.status_code == 200


# --- long lists ----------------------------------------------------------------------------------


def _with_users(count: int) -> tuple[FakeServices, list[UserToken]]:
    services = FakeServices()
    tenant = services.store.active_named("first").tenant_id
    tokens = [new_user_token() for _ in range(count)]
    kept = reference()
    for token in tokens:
        services.references.people[tenant, token] = FakePerson.of(kept)
    return services, tokens


@pytest.mark.parametrize("count", [0, 1, 2499, 2500, 2501, 6000])
def test_a_list_of_any_length_is_one_json_document(count: int) -> None:
    services, tokens = _with_users(count)
    with serving(services) as served, served.client() as client:
        whole = client.get(LIST)
        assert whole.json()["user_tokens"] == tokens
        assert int(whole.headers["content-length"]) == len(whole.content)
        assert list(whole.json()) == ["user_tokens", "total_users", "time_taken", "status"]
        some = client.get(LIST, params={"limit": 1200}).json()
        assert (some["user_tokens"], some["total_users"]) == (tokens[:1200], count)
        assert client.head(LIST).headers["content-length"].isdecimal()


def test_a_list_is_sent_no_faster_than_it_is_read() -> None:
    drawn = list[int]()

    def pieces() -> Iterator[bytes]:
        for n in range(100):
            drawn.append(n)
            yield b"[]"

    async def main() -> None:
        read = asyncio.Semaphore(3)

        async def send(message: Message) -> None:
            await read.acquire()

        answer = JsonInPieces(pieces(), size_bytes=200, turn=partial(asyncio.sleep, 0))
        sending = asyncio.ensure_future(answer({"type": "http"}, _nothing, send))
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(drawn) == 3
        sending.cancel()

    asyncio.run(main())


class CountedTokens(UserTokens):
    """Knows how many of its blocks were asked for."""

    __slots__ = ("made",)
    made: int

    def json_blocks(self) -> Iterator[bytes]:
        for self.made, block in enumerate(super().json_blocks(), start=1):
            yield block


@dataclass
class OneList(FakeReferences):
    """Every tenant's list is this one."""

    known: UserTokens = field(default_factory=UserTokens)

    def tokens(self, tenant_id: TenantId) -> UserTokens:
        return self.known


def test_a_list_is_written_as_it_is_sent() -> None:
    services = FakeServices()
    tokens = CountedTokens([b'"%d"' % n for n in range(50)], 50)
    services.enrolment = replace(
        services.enrolment, references=OneList(services.ledger, known=tokens)
    )
    headers = [(b"x-api-key", services.api_key.encode())]
    scope = {"type": "http", "method": "GET", "path": LIST, "headers": headers}
    ahead, bodies = list[int](), list[bytes]()

    async def send(message: Message) -> None:
        if body := message.get("body"):
            bodies.append(body)
            ahead.append(tokens.made - len(bodies))

    async def main() -> None:
        await app_over(services)({**scope, "query_string": b"", "root_path": ""}, _silence, send)

    asyncio.run(main())
    assert len(json.loads(b"".join(bodies))["user_tokens"]) == len(bodies) == 50
    assert max(ahead) == 1


async def _silence() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


def test_lists_before_and_after_a_change_share_what_stayed() -> None:
    tokens = [new_user_token() for _ in range(12_500)]
    before = UserTokens.of(tokens)
    after = before.changed([(tokens[3456], True), (new_user_token(), False)])
    shared = {id(block) for block in before._blocks} & {id(block) for block in after._blocks}
    assert len(shared) == 4
    assert len(after) == len(before)
    assert json.loads(b"[%s]" % b"".join(after.json_blocks())) == list(after)


def test_long_answers_pass_one_piece_at_a_time_the_tenants_in_turn() -> None:
    passed = list[str]()

    async def answer(turnstile: Turnstile, tenant: str, pieces: int) -> None:
        for _ in range(pieces):
            await turnstile.passes(tenant)
            passed.append(tenant)

    async def main() -> None:
        turnstile = Turnstile()
        greedy = [asyncio.ensure_future(answer(turnstile, "greedy", 10)) for _ in range(20)]
        await asyncio.sleep(0)
        await answer(turnstile, "other", 10)
        greedy.pop().cancel()
        await asyncio.gather(*greedy)
        await asyncio.wait_for(turnstile.passes("greedy"), PATIENCE_S)

    asyncio.run(main())
    assert passed.index("other") <= 3
    tenth = [n for n, tenant in enumerate(passed) if tenant == "other"][9]
    assert tenth <= 25


def test_one_passes_in_each_round_and_nobody_waits_where_nobody_has_passed() -> None:
    rounds, passed = [0], list[int]()

    async def count_rounds() -> None:
        while True:
            rounds[0] += 1
            await asyncio.sleep(0)

    async def main() -> None:
        turnstile, counting = Turnstile(), asyncio.ensure_future(count_rounds())

        async def pass_and_note() -> None:
            await turnstile.passes("acme")
            passed.append(rounds[0])

        await asyncio.gather(*(pass_and_note() for _ in range(5)))
        await asyncio.sleep(0)
        before = rounds[0]
        await turnstile.passes("acme")
        assert rounds[0] == before
        counting.cancel()

    asyncio.run(main())
    assert len(set(passed)) == 5


def test_a_request_that_is_alone_waits_for_no_round_and_two_wait_for_each_other() -> None:
    rounds = [0]

    async def count_rounds() -> None:
        while True:
            rounds[0] += 1
            await asyncio.sleep(0)

    async def pieces(turnstile: Turnstile, count: int) -> int:
        with turnstile.request():
            await asyncio.sleep(0)
            before = rounds[0]
            for _ in range(count):
                await turnstile.passes("acme")
            return rounds[0] - before

    async def main() -> tuple[int, int, int]:
        turnstile, counting = Turnstile(), asyncio.ensure_future(count_rounds())
        await asyncio.sleep(0)
        alone = await pieces(turnstile, 10)
        await asyncio.sleep(0)
        one, other = await asyncio.gather(pieces(turnstile, 10), pieces(turnstile, 10))
        counting.cancel()
        return alone, one, other

    alone, one, other = asyncio.run(main())
    assert alone == 0
    assert max(one, other) >= 10


def test_a_request_of_a_tenant_waits_for_one_of_a_flood_by_strangers() -> None:
    begun: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        begun.append(scope["party"])

    async def nothing_comes() -> Message:
        return {"type": "http.disconnect"}

    async def nobody_hears(message: Message) -> None: ...

    async def flooded() -> None:
        fair = TakeTurns(app, Turnstile(), Restraint(), lambda scope: str(scope["party"]))

        async def request(party: str) -> None:
            scope: Scope = {"type": "http", "party": party, "path": "/", "headers": []}
            begin_exchange(scope)
            await fair(scope, nothing_comes, nobody_hears)

        flood = [asyncio.ensure_future(request("")) for _ in range(50)]
        await asyncio.sleep(0)
        await asyncio.gather(request("acme"), *flood)

    asyncio.run(flooded())
    assert begun.index("acme") <= 2
    assert len(begun) == 51
