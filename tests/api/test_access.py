"""Who calls is found out beside everything else, and asked again while requests go on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import httpx

from perse.auth.recent import TRUSTED_S
from perse.domain.access import ApiKey
from perse.domain.references import UserTokens
from tests.fakes.keys import MemoryKeys
from tests.fakes.services import FakeServices
from tests.fakes.storage import FakeReferences
from tests.served import serving, until_refused

LIST = "/v0/face/enrollment/list"
PATIENCE_S = 10.0


@dataclass
class SlowKeys(MemoryKeys):
    """A key store that answers once it may; ``asked``: how often."""

    may: threading.Event = field(default_factory=threading.Event)
    asked: int = 0

    def __post_init__(self) -> None:
        MemoryKeys.__init__(self)
        self.may.set()

    def find(self, digest: bytes) -> ApiKey | None:
        self.asked += 1
        assert self.may.wait(PATIENCE_S)
        return super().find(digest)


@dataclass
class SlowReferences(FakeReferences):
    may: threading.Event = field(default_factory=threading.Event)
    begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def tokens(self, tenant_id: object) -> UserTokens:
        self.begun.release()
        assert self.may.wait(PATIENCE_S)
        return UserTokens()


def test_many_requests_within_a_second_ask_for_the_key_a_few_times() -> None:
    store = SlowKeys()
    with serving(FakeServices(store=store)) as served, served.client() as client:
        for _ in range(20):
            assert client.get(LIST).status_code == 200
    assert 1 <= store.asked <= 5


def test_a_key_store_that_hangs_holds_up_nobody_who_was_known() -> None:
    store = SlowKeys()
    with serving(FakeServices(store=store)) as served, served.client() as client:
        assert client.get(LIST).status_code == 200
        store.may.clear()
        try:
            assert client.get(LIST).status_code == 200
        finally:
            store.may.set()


def test_a_revoked_key_is_refused_within_a_second_however_often_it_is_used() -> None:
    with serving() as served, served.client() as client:
        ask: Callable[[], httpx.Response] = lambda: client.get(LIST)  # noqa: E731
        assert ask().status_code == 200
        served.services.keys.revoke("first")
        assert until_refused(ask) < TRUSTED_S + 0.5


def test_lists_that_hang_do_not_hold_up_a_login_or_a_strangers_refusal() -> None:
    services = FakeServices()
    references = SlowReferences(services.ledger)
    services.enrolment = replace(services.enrolment, references=references)
    with serving(services) as served, served.client() as client, ThreadPoolExecutor(8) as many:
        lists = [
            many.submit(httpx.get, served.url + LIST, headers=client.headers) for _ in "12345678"
        ]
        for _ in range(2):  # as many as storage has threads
            assert references.begun.acquire(timeout=PATIENCE_S)
        try:
            login = client.post("/v0/login", json={"privateKey": services.api_key})
            assert login.status_code == 200
            assert httpx.get(served.url + LIST).status_code == 401
        finally:
            references.may.set()
        assert [it.result().status_code for it in lists] == [200] * 8
