"""Whoever takes more than its share waits, while others are served."""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from select import select

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from perse.api.admission.restraint import BYTE_S, REQUEST_S, Restraint
from perse.api.admission.turnstile import TakeTurns, Turnstile
from perse.api.telemetry.exchange import begin_exchange, exchange_of
from perse.auth.recent import RecentCallers
from tests.fakes.services import FakeServices
from tests.served import Served, read_answer, serving

LIST = "/v0/face/enrollment/list"
PARTIES = "abc"


@dataclass
class Clock:
    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


@dataclass(frozen=True)
class Took:
    """``pause_s`` later a party asks for something that takes so long."""

    pause_s: float
    party: str
    seconds: float


def _restraint(clock: Clock) -> Restraint:
    return Restraint(share=0.5, free_s=1.0, longest_s=2.0, others_s=1000.0, clock=clock)


def _waits(happened: Iterable[Took], *, charged: str = PARTIES) -> dict[str, list[float]]:
    """What each party has to wait whenever somebody has asked; only ``charged`` pay."""
    clock = Clock()
    restraint, waits = _restraint(clock), {party: list[float]() for party in PARTIES}
    for took in happened:
        clock.now_s += took.pause_s
        restraint.see(took.party)
        if took.party in charged:
            restraint.owe(took.party, took.seconds)
        for party in PARTIES:
            waits[party].append(restraint.wait_s(party))
    return waits


_SECONDS = st.floats(0, 3)
_HAPPENED = st.lists(st.builds(Took, _SECONDS, st.sampled_from(PARTIES), _SECONDS), max_size=40)


@given(_HAPPENED)
def test_nobody_waits_for_longer_than_the_longest(happened: list[Took]) -> None:
    assert all(0 <= wait_s < 2.001 for waits in _waits(happened).values() for wait_s in waits)


@given(_HAPPENED)
def test_one_alone_is_never_held_back(happened: list[Took]) -> None:
    assert not any(_waits(took for took in happened if took.party == "a")["a"])


@given(_HAPPENED)
def test_nobody_waits_for_what_another_took(happened: list[Took]) -> None:
    assert _waits(happened)["a"] == _waits(happened, charged="a")["a"]


@given(st.lists(st.floats(0, 0.4), max_size=60))
def test_who_takes_less_than_its_share_never_waits(sizes: list[float]) -> None:
    """Of each second it takes at most 0.4."""
    happened = [Took(0.5, party, size) for size in sizes for party in "ab"]
    assert not any(_waits(happened)["a"])


@given(_HAPPENED)
def test_time_pays_whatever_is_owed(happened: list[Took]) -> None:
    later = [Took(3.0, "a", 0.0), Took(0.0, "b", 0.0)]
    assert _waits([*happened, *later])["c"][-1] == 0


def test_who_goes_on_at_twice_its_share_is_brought_down_to_it() -> None:
    async def main() -> float:
        restraint = Restraint(free_s=0.0, share=0.5, longest_s=60.0)
        restraint.see("other")
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        for _ in range(20):
            await restraint.pay("acme", 0.005)
        return loop.time() - started_s

    assert asyncio.run(main()) >= 19 * 0.005 / 0.5


def test_a_lot_taken_alone_is_not_held_against_anybody_when_others_come() -> None:
    restraint = _restraint(Clock())
    restraint.owe("acme", 1000.0)
    restraint.see("other")
    assert restraint.wait_s("acme") == 0
    restraint.owe("acme", 1000.0)
    assert restraint.wait_s("acme") == 2
    assert restraint.wait_s("other") == 0


def test_who_has_not_asked_for_long_is_nobody_to_wait_for() -> None:
    clock = Clock()
    restraint = replace(_restraint(clock), others_s=10.0)
    restraint.see("other")
    restraint.owe("acme", 1000.0)
    clock.now_s = 0.5
    assert restraint.wait_s("acme") > 0
    restraint.others_s = 0.1
    clock.now_s = 11
    restraint.owe("acme", 1000.0)
    assert restraint.wait_s("acme") == 0


def test_what_parties_owe_takes_bounded_memory() -> None:
    restraint = _restraint(Clock())
    restraint.see("other")
    for number in range(10_500):
        restraint.owe(f"party {number}", 100.0)
    assert restraint.wait_s("party 0") == 0
    assert restraint.wait_s("party 10499") == 2


def test_those_who_are_held_back_stand_in_line() -> None:
    passed: list[int] = []

    async def main() -> None:
        restraint = Restraint(free_s=0.0)
        restraint.see("other")
        restraint.owe("acme", 0.01)

        async def ask(number: int) -> None:
            await restraint.pay("acme", 0.01)
            passed.append(number)

        await asyncio.gather(*map(ask, range(5)))

    asyncio.run(main())
    assert passed == [0, 1, 2, 3, 4]


def test_a_body_is_charged_when_it_is_announced_and_not_once_more() -> None:
    """Many large ones that come at once are held back before any is read."""
    size = int(1.0 / BYTE_S)
    restraint, owed_s = _restraint(Clock()), list[float]()
    restraint.see("another")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        owed_s.append(restraint.wait_s("a"))
        exchange_of(scope).bytes_in = size

    async def main() -> None:
        length = (b"content-length", str(size).encode())
        scope = {"type": "http", "method": "POST", "path": LIST, "headers": [length]}
        begin_exchange(scope)
        await TakeTurns(app, Turnstile(), restraint, lambda _: "a")(scope, _unasked, _untold)
        owed_s.append(restraint.wait_s("a"))

    asyncio.run(main())
    free_s, share = 1.0, 0.5
    assert owed_s == [pytest.approx((1.0 + REQUEST_S) / share - free_s)] * 2


async def _unasked() -> Message:
    raise AssertionError


async def _untold(_: Message) -> None:
    raise AssertionError


# --- over HTTP -----------------------------------------------------------------------------------

MANY = 40


def _strict() -> Restraint:
    """A request costs 0.2 s, of which ten are free: the flood waits for seconds, nobody else."""
    return Restraint(share=REQUEST_S / 0.2, free_s=2.0, longest_s=2.0)


def _get(path: str, key: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\nx-api-key: {key}\r\n\r\n".encode()


def _nothing_yet(connection: socket.socket) -> bool:
    return not select([connection], [], [], 0)[0]


def _flooded(served: Served, request: bytes, while_held_back: Callable[[], None]) -> set[int]:
    """What many connections are told; the last of them after ``while_held_back``."""
    with ExitStack() as closed:
        connections = [closed.enter_context(served.connect()) for _ in range(MANY)]
        for connection in connections:
            connection.sendall(request)
        read_answer(connections[0])
        while_held_back()
        assert _nothing_yet(connections[-1])
        return {read_answer(connection).status for connection in connections[1:]}


def _served(client: httpx.Client) -> None:
    assert client.get(LIST).status_code == 200


def test_another_tenant_is_served_while_a_flood_of_unknown_keys_waits() -> None:
    with serving(restraint=_strict()) as served, served.client() as other:
        _served(other)

        def meanwhile() -> None:
            _served(other)
            assert other.get("/health/live").status_code == 200
            with served.connect() as probe:
                probe.sendall(b"GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n")
                assert read_answer(probe).status == 200

        assert _flooded(served, _get(LIST, str(uuid.uuid4())), meanwhile) == {401}


def test_another_tenant_is_served_while_a_flood_of_refusals_waits() -> None:
    services = FakeServices()
    _, flooding = services.keys.create("flooding")
    with serving(services, restraint=_strict()) as served, served.client() as other:
        served.send(_get(LIST, flooding))
        _served(other)
        request = _get("/v0/nothing/is/here", flooding)
        assert _flooded(served, request, lambda: _served(other)) == {404}


def test_another_tenant_is_served_while_a_flood_of_good_answers_waits() -> None:
    services = FakeServices()
    _, flooding = services.keys.create("flooding")
    with serving(services, restraint=_strict()) as served, served.client() as other:
        served.send(_get(LIST, flooding))
        _served(other)
        request = _get(f"{LIST}?limit=1", flooding)
        assert _flooded(served, request, lambda: _served(other)) == {200}


def test_a_tenant_alone_gets_as_many_answers_as_it_asks_for() -> None:
    with serving(restraint=_strict()) as served, served.client() as alone:
        for _ in range(100):  # at its share they would take twenty seconds
            _served(alone)


def test_a_key_that_was_known_is_no_stranger_when_its_second_is_over() -> None:
    """Strangers are flooding; a tenant that calls rarely does not wait with them."""
    services = FakeServices()
    services.authenticator = replace(services.authenticator, recent=RecentCallers(trusted_s=0))
    _, rare = services.keys.create("rare")
    with serving(services, restraint=_strict()) as served, served.client() as other:
        assert served.send(_get(LIST, rare)).status == 200
        _served(other)

        def meanwhile() -> None:
            assert served.send(_get(LIST, rare)).status == 200

        assert _flooded(served, _get(LIST, str(uuid.uuid4())), meanwhile) == {401}
