"""Whoever is refused again and again waits, while others are served."""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from select import select

import httpx

from perse.api.admission.restraint import Restraint
from perse.auth.recent import RecentCallers
from tests.fakes.services import FakeServices
from tests.served import Served, read_answer, serving

LIST = "/v0/face/enrollment/list"
# Each costs 20 ms of patience, of which a second is free.
MANY = 200


def _on_a_loop(use: Callable[[Restraint], None]) -> None:
    async def main() -> None:
        use(Restraint(free_s=1.0, longest_s=2.0, others_s=1000.0))

    asyncio.run(main())


def test_who_is_refused_a_little_is_not_held_back() -> None:
    def use(restraint: Restraint) -> None:
        restraint.see("other")
        assert restraint.wait_s("acme") == 0
        restraint.owe("acme", 0.9)
        assert restraint.wait_s("acme") == 0
        restraint.owe("acme", 1.0)
        assert 0 < restraint.wait_s("acme") < 1
        restraint.owe("acme", 1000.0)
        assert restraint.wait_s("acme") == 2

    _on_a_loop(use)


def test_a_tenant_alone_is_refused_as_fast_as_it_asks() -> None:
    def use(restraint: Restraint) -> None:
        restraint.owe("acme", 10.0)
        restraint.see("acme")
        assert restraint.wait_s("acme") == 0
        restraint.see("other")
        assert restraint.wait_s("acme") == 2
        assert restraint.wait_s("other") == 0
        restraint.see("acme")
        assert restraint.wait_s("acme") == 2

    _on_a_loop(use)


def test_who_has_not_asked_for_long_is_nobody_to_wait_for() -> None:
    async def main() -> None:
        restraint = Restraint(others_s=0.01)
        restraint.see("other")
        restraint.owe("acme", 10.0)
        await asyncio.sleep(0.05)
        assert restraint.wait_s("acme") == 0
        restraint.see("acme")
        assert restraint.wait_s("acme") == 0

    asyncio.run(main())


def test_what_is_forgiven_is_not_saved_up() -> None:
    def use(restraint: Restraint) -> None:
        restraint.see("other")
        restraint.owe("acme", -1000.0)
        restraint.owe("acme", 2.0)
        assert restraint.wait_s("acme") > 0
        restraint.owe("acme", -2.0)
        assert restraint.wait_s("acme") == 0

    _on_a_loop(use)


def test_what_parties_owe_takes_bounded_memory() -> None:
    def use(restraint: Restraint) -> None:
        for number in range(10_500):
            restraint.owe(f"party {number}", 100.0)
        restraint.see("other")
        assert restraint.wait_s("party 0") == 0
        assert restraint.wait_s("party 10499") == 2

    _on_a_loop(use)


def test_those_who_are_held_back_stand_in_line() -> None:
    passed: list[int] = []

    async def main() -> None:
        restraint = Restraint(free_s=0.0)
        restraint.see("other")
        restraint.owe("acme", 0.01)

        async def ask(number: int) -> None:
            assert await restraint.hold_back("acme", 0.01)
            passed.append(number)

        await asyncio.gather(*map(ask, range(5)))

    asyncio.run(main())
    assert passed == [0, 1, 2, 3, 4]


def _get(path: str, key: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\nx-api-key: {key}\r\n\r\n".encode()


def _refuse_many(served: Served, connections: list[socket.socket], request: bytes) -> set[int]:
    for connection in connections:
        connection.sendall(request)
    return {read_answer(connection).status for connection in connections}


def _nothing_yet(connection: socket.socket) -> bool:
    return not select([connection], [], [], 0)[0]


def _flooded(served: Served, request: bytes, while_held_back: Callable[[], None]) -> int:
    """What many connections are told at last, after ``while_held_back``."""
    with ExitStack() as closed:
        connections = [closed.enter_context(served.connect()) for _ in range(MANY)]
        assert not _refuse_many(served, connections, request) & set(range(400))
        connections[0].sendall(request)
        while_held_back()
        assert _nothing_yet(connections[0])
        return read_answer(connections[0]).status


def _served(client: httpx.Client) -> None:
    assert client.get(LIST).status_code == 200


def test_another_tenant_is_served_while_a_flood_of_unknown_keys_waits() -> None:
    with serving() as served, served.client() as other:
        assert other.get(LIST).status_code == 200

        def meanwhile() -> None:
            assert other.get(LIST).status_code == 200
            assert other.get("/health/live").status_code == 200
            with served.connect() as probe:
                probe.sendall(b"GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n")
                assert read_answer(probe).status == 200

        assert _flooded(served, _get(LIST, str(uuid.uuid4())), meanwhile) == 401


def test_another_tenant_is_served_while_a_tenant_waits_whose_requests_are_refused() -> None:
    services = FakeServices()
    _, flooding = services.keys.create("flooding")
    with serving(services) as served, served.client() as other:
        request = _get("/v0/nothing/is/here", flooding)
        served.send(_get(LIST, flooding))
        assert other.get(LIST).status_code == 200
        assert _flooded(served, request, lambda: _served(other)) == 404


def test_a_key_that_was_known_is_no_stranger_when_its_second_is_over() -> None:
    """Strangers are flooding; a tenant that calls rarely does not wait with them."""
    services = FakeServices()
    services.authenticator = replace(services.authenticator, recent=RecentCallers(trusted_s=0))
    _, rare = services.keys.create("rare")
    with serving(services) as served, served.client() as other:
        assert served.send(_get(LIST, rare)).status == 200
        assert other.get(LIST).status_code == 200

        def meanwhile() -> None:
            assert served.send(_get(LIST, rare)).status == 200

        assert _flooded(served, _get(LIST, str(uuid.uuid4())), meanwhile) == 401
