"""Liveness sessions: one suite for the fake, SQLite and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from perse.domain.access import KeyId, TenantId
from perse.domain.consent import ConsentEntry, Declaration, Processing
from perse.domain.liveness_sessions import (
    LONGEST_RUN_S,
    LOST,
    EndReason,
    LivenessSession,
    OnPass,
    SessionId,
    SessionOrder,
    SessionOutcome,
    SessionState,
    SubjectCompared,
    new_session_id,
)
from perse.domain.references import SampleId, UserToken, new_user_token
from perse.domain.retries import RetryKey
from perse.domain.samples import ModelName
from perse.domain.session_frames import SessionKind
from perse.domain.session_lockout import LockoutPolicy
from perse.domain.subject_verification import Outcome
from perse.errors import (
    InvalidParameter,
    Overloaded,
    RateLimited,
    SessionNotFound,
    UserTokenNotFound,
)
from perse.pipelines.liveness_ports import SessionStore
from perse.pipelines.reference_ports import ReferenceStore
from perse.storage.schema import liveness_failures, liveness_sessions
from perse.storage.storage import Storage
from tests.fakes.liveness_sessions import FakeLivenessSessions
from tests.fakes.storage import FakeReferences
from tests.storage.conftest import open_at
from tests.storage.postgresql import Cluster
from tests.storage.samples import ACME, NOW, OTHER, api_key, entry, reference, with_tenants

POLICY = LockoutPolicy(most=3)
FAILED = SessionOutcome(reasons=(EndReason.ABANDONED,))
FAULT = SessionOutcome(reasons=(EndReason.FAULT,))
DECLINED = SessionOutcome(reasons=(EndReason.DECLINED,))
TOO_SLOW = SessionOutcome(reasons=(EndReason.TOO_SLOW,))
PASSED = SessionOutcome(
    reasons=(),
    scores={"pad": 0.93, "relief": 1.1},
    thresholds={"pad": 0.7},
    models={"face_detector": ModelName("net")},
    frames=71,
    best_frame_sha256="ab" * 32,
    compared=SubjectCompared(Outcome.MATCH, 0.91, 0.8, 2),
    sample_id=SampleId("sample-1"),
)


def later(**time: float) -> datetime:
    return NOW + timedelta(**time)


def checked(at: datetime) -> ConsentEntry:
    return entry(ACME, Processing.LIVENESS_CHECK, at=at)


@dataclass(frozen=True)
class House:
    """``rival``: the same database as another server has it open."""

    store: SessionStore
    rival: SessionStore
    references: ReferenceStore
    entries: Callable[[], list[ConsentEntry]]

    def open(
        self,
        order: SessionOrder | None = None,
        *,
        tenant: TenantId = ACME,
        at: datetime = NOW,
        retry: RetryKey | None = None,
        store: SessionStore | None = None,
    ) -> SessionId:
        session = LivenessSession(
            session_id=new_session_id(),
            tenant_id=tenant,
            key_id=KeyId("key-1"),
            order=order or SessionOrder(),
            declaration=Declaration.GIVEN,
            created_at=at,
        )
        noted = entry(tenant, Processing.LIVENESS_OPEN)
        return (store or self.store).open(session, entry=noted, retry=retry).session_id

    def failed(self, order: SessionOrder, *, at: datetime = NOW, tenant: TenantId = ACME) -> None:
        made = self.open(order, at=at, tenant=tenant)
        self.store.start(made, entry=checked(at))
        self.store.end(made, FAILED, verdict="jws", at=at)

    def enrol(self) -> UserToken:
        made = reference()
        token = made.record.user_token
        return self.references.add(made, entry=entry(token=token)).user_token


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sessions")


@pytest.fixture(scope="module", params=["memory", "sqlite", "postgresql"])
def servers(request: pytest.FixtureRequest, folder: Path) -> Iterator[tuple[Storage, ...]]:
    """Two with one database; none where all is in memory."""
    if request.param == "memory":
        yield ()
        return
    url = f"sqlite:///{folder / 'perse.db'}"
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("cluster")
        url = cluster.new_database()
    with (
        open_at(url, folder, lockout=POLICY) as one,
        open_at(url, folder, lockout=POLICY) as other,
    ):
        with_tenants(one.keys)
        yield one, other


@pytest.fixture
def house(servers: tuple[Storage, ...]) -> House:
    if not servers:
        users = FakeReferences()
        store = FakeLivenessSessions(users, POLICY)
        return House(store, store, users, lambda: users.ledger.entries)
    one, other = servers
    with one.database.write() as connection:
        for table in (liveness_sessions, liveness_failures):
            connection.execute(sa.delete(table))
    return House(
        one.sessions,
        other.sessions,
        one.references,
        lambda: [link.entry for link in one.ledger.entries()],
    )


# --- from its opening to its end -----------------------------------------------------------------


def test_a_session_is_found_as_it_was_opened(house: House) -> None:
    token = house.enrol()
    order = SessionOrder(
        kind=SessionKind.PASSIVE,
        ttl_s=60,
        user_token=token,
        on_pass=OnPass.ENROL,
        correlation_id="device 17",
        origin="https://shop.example",
    )
    made = house.open(order)
    found = house.store.get(ACME, made)
    assert (found.session_id, found.order, found.declaration) == (made, order, Declaration.GIVEN)
    assert (found.created_at, found.expires_at) == (NOW, later(seconds=60))
    assert (found.started_at, found.ended_at, found.outcome, found.verdict) == (None,) * 4
    assert found.state(later(seconds=59)) is SessionState.CREATED


def test_what_came_out_is_kept_as_it_was(house: House) -> None:
    made = house.open()
    house.store.start(made, entry=checked(later(seconds=1)))
    assert house.store.get(ACME, made).state(later(seconds=2)) is SessionState.STARTED
    house.store.end(made, PASSED, verdict="a.b.c", at=later(seconds=9))
    found = house.store.get(ACME, made)
    assert (found.outcome, found.verdict) == (PASSED, "a.b.c")
    assert (found.started_at, found.ended_at) == (later(seconds=1), later(seconds=9))
    assert found.state(later(days=1)) is SessionState.PASSED


def test_a_session_starts_once_whichever_server_is_asked(house: House) -> None:
    made = house.open()
    house.rival.start(made, entry=checked(NOW))
    for store in (house.store, house.rival):
        with pytest.raises(SessionNotFound):
            store.start(made, entry=checked(NOW))


def test_of_many_who_start_a_session_at_once_one_does(house: House) -> None:
    made = house.open()

    def starts(number: int) -> bool:
        store = house.rival if number % 2 else house.store
        try:
            store.start(made, entry=checked(NOW))
        except SessionNotFound:
            return False
        return True

    with ThreadPoolExecutor(8) as servers:
        assert sum(servers.map(starts, range(16))) == 1


def test_a_session_ends_once_and_not_before_it_began(house: House) -> None:
    made = house.open()
    with pytest.raises(SessionNotFound):
        house.store.end(made, PASSED, verdict="early", at=NOW)
    house.store.start(made, entry=checked(NOW))
    house.store.end(made, FAILED, verdict="first", at=NOW)
    with pytest.raises(SessionNotFound):
        house.store.end(made, PASSED, verdict="second", at=NOW)
    assert house.store.get(ACME, made).verdict == "first"


def test_a_session_that_expired_does_not_start(house: House) -> None:
    made = house.open(SessionOrder(ttl_s=60))
    with pytest.raises(SessionNotFound):
        house.store.start(made, entry=checked(later(seconds=60)))
    assert house.store.get(ACME, made).state(later(seconds=60)) is SessionState.EXPIRED


def test_a_session_that_began_in_time_may_end_after_it_would_have_expired(house: House) -> None:
    made = house.open(SessionOrder(ttl_s=60))
    house.store.start(made, entry=checked(later(seconds=59)))
    assert house.store.get(ACME, made).state(later(seconds=90)) is SessionState.STARTED
    house.store.end(made, PASSED, verdict="jws", at=later(seconds=90))
    assert house.store.get(ACME, made).state(later(seconds=90)) is SessionState.PASSED


def test_a_session_that_lasted_too_long_has_failed_and_never_passes(house: House) -> None:
    made, late = house.open(), later(seconds=LONGEST_RUN_S)
    house.store.start(made, entry=checked(NOW))
    calls: tuple[Callable[[], object], ...] = (
        lambda: house.store.claim(made, at=late),
        lambda: house.store.end(made, PASSED, verdict="jws", at=late),
    )
    for call in calls:
        with pytest.raises(SessionNotFound):
            call()
    found = house.store.get(ACME, made)
    assert (found.state(late), found.came_to(late)) == (SessionState.FAILED, LOST)


def test_the_end_of_a_session_is_claimed_once_whoever_tries(house: House) -> None:
    made = house.open()
    with pytest.raises(SessionNotFound):
        house.store.claim(made, at=NOW)
    house.store.start(made, entry=checked(NOW))

    def claims(number: int) -> bool:
        try:
            (house.rival if number % 2 else house.store).claim(made, at=NOW)
        except SessionNotFound:
            return False
        return True

    with ThreadPoolExecutor(8) as servers:
        assert sum(servers.map(claims, range(16))) == 1
    house.store.end(made, PASSED, verdict="jws", at=NOW)
    assert house.store.get(ACME, made).state(NOW) is SessionState.PASSED


def test_a_session_is_not_revoked_between_its_claim_and_its_end(house: House) -> None:
    made = house.open()
    house.store.start(made, entry=checked(NOW))
    house.store.claim(made, at=NOW)
    with pytest.raises(Overloaded):
        house.rival.remove(ACME, made, at=NOW)
    house.rival.remove(ACME, made, at=later(seconds=LONGEST_RUN_S))


@pytest.mark.parametrize("runs", [False, True])
def test_a_revoked_session_neither_starts_nor_ends(house: House, *, runs: bool) -> None:
    made = house.open()
    if runs:
        house.store.start(made, entry=checked(NOW))
    house.store.remove(ACME, made, at=NOW)
    calls: tuple[Callable[[], object], ...] = (
        lambda: house.store.get(ACME, made),
        lambda: house.store.start(made, entry=checked(NOW)),
        lambda: house.store.end(made, PASSED, verdict="late", at=NOW),
        lambda: house.store.remove(ACME, made, at=NOW),
    )
    for call in calls:
        with pytest.raises(SessionNotFound):
            call()


def test_another_tenants_session_is_not_there(house: House) -> None:
    made = house.open(tenant=OTHER)
    with pytest.raises(SessionNotFound):
        house.store.get(ACME, made)
    with pytest.raises(SessionNotFound):
        house.store.remove(ACME, made, at=NOW)
    assert house.store.get(OTHER, made).session_id == made


def test_the_ledger_tells_of_the_opening_and_of_the_frames(house: House) -> None:
    token = house.enrol()
    made = house.open(SessionOrder(user_token=token, on_pass=OnPass.VERIFY))
    house.store.start(made, entry=checked(later(seconds=3)))
    opened, seen = house.entries()[-2:]
    assert opened.operation == Processing.LIVENESS_OPEN
    assert seen == checked(later(seconds=3))


# --- requests that come twice --------------------------------------------------------------------


def named(name: str, content: bytes = b"the same") -> RetryKey:
    return RetryKey.for_content(name, content, secret=bytes(32))


def test_a_request_that_comes_again_opens_nothing_whichever_server_it_reaches(house: House) -> None:
    name = named(new_session_id())
    made = house.open(retry=name)
    assert house.open(retry=name, store=house.rival) == made
    house.store.start(made, entry=checked(NOW))
    assert house.open(retry=name) == made
    assert house.store.get(ACME, made).state(NOW) is SessionState.STARTED
    assert house.open(retry=named(new_session_id())) != made
    assert house.open(retry=name, tenant=OTHER) != made


def test_of_many_copies_of_a_request_at_once_one_opens_a_session(house: House) -> None:
    name = named(new_session_id())
    with ThreadPoolExecutor(8) as pool:
        stores = [house.store, house.rival] * 4
        opened = list(pool.map(lambda it: house.open(retry=name, store=it), stores))
    assert len(set(opened)) == 1


def test_a_name_stands_for_one_request(house: House) -> None:
    name = new_session_id()
    house.open(retry=named(name))
    with pytest.raises(InvalidParameter):
        house.open(retry=named(name, b"another"))


def test_a_request_whose_session_was_revoked_opens_no_other(house: House) -> None:
    name = named(new_session_id())
    house.store.remove(ACME, house.open(retry=name), at=NOW)
    with pytest.raises(SessionNotFound):
        house.open(retry=name)


def test_a_locked_name_still_gets_what_was_opened_before(house: House) -> None:
    order, name = orders(house)["correlation"], named(new_session_id())
    made = house.open(order, retry=name)
    for opened in [house.open(order) for _ in range(POLICY.most)]:
        house.store.start(opened, entry=checked(NOW))
        house.store.end(opened, FAILED, verdict="jws", at=NOW)
    with pytest.raises(RateLimited):
        house.open(order)
    assert house.open(order, retry=name) == made


# --- subjects ------------------------------------------------------------------------------------


@pytest.mark.parametrize("tenant", [ACME, OTHER])
def test_a_session_is_opened_for_a_subject_of_the_tenant_alone(
    house: House, tenant: TenantId
) -> None:
    token = house.enrol() if tenant == OTHER else new_user_token()
    with pytest.raises(UserTokenNotFound):
        house.open(SessionOrder(user_token=token, on_pass=OnPass.VERIFY), tenant=tenant)


def test_the_sessions_of_a_subject_are_found_the_oldest_first(house: House) -> None:
    token, other = house.enrol(), house.enrol()
    order = SessionOrder(user_token=token, on_pass=OnPass.VERIFY)
    made = [house.open(order, at=later(minutes=minute)) for minute in (2, 1)]
    house.open(SessionOrder(user_token=other, on_pass=OnPass.VERIFY))
    house.open()
    found = house.store.of(ACME, token)
    assert [it.session_id for it in found] == made[::-1]
    assert house.store.of(OTHER, token) == []
    house.references.delete(token, entry=entry(token=token))
    assert house.store.of(ACME, token) == []


def test_a_subjects_sessions_go_with_it(house: House) -> None:
    token = house.enrol()
    made, other = house.open(SessionOrder(user_token=token, on_pass=OnPass.VERIFY)), house.open()
    house.references.delete(token, entry=entry(token=token))
    with pytest.raises(SessionNotFound):
        house.store.get(ACME, made)
    assert house.store.get(ACME, other)


# --- lockout -------------------------------------------------------------------------------------


def orders(house: House) -> dict[str, SessionOrder]:
    return {
        "subject": SessionOrder(user_token=house.enrol(), on_pass=OnPass.VERIFY),
        "correlation": SessionOrder(correlation_id="device 17"),
    }


@pytest.mark.parametrize("name", ["subject", "correlation"])
def test_failures_in_a_short_time_lock_a_name_longer_each_time(house: House, name: str) -> None:
    order, at = orders(house)[name], NOW
    for minutes in (5, 10, 20):
        for _ in range(POLICY.most):
            house.failed(order, at=at)
        with pytest.raises(RateLimited) as refused:
            house.open(order, at=at)
        assert refused.value.retry_after_s == minutes * 60
        at += timedelta(minutes=minutes)
        house.open(order, at=at)


def test_failures_over_a_long_time_lock_nothing(house: House) -> None:
    order = orders(house)["correlation"]
    for number in range(3 * POLICY.most):
        house.failed(order, at=later(minutes=2 * number))


def test_a_lock_is_one_names_and_one_tenants(house: House) -> None:
    order = orders(house)["correlation"]
    for _ in range(POLICY.most):
        house.failed(order)
    house.open(SessionOrder(correlation_id="device 18"))
    house.open(order, tenant=OTHER)
    with pytest.raises(RateLimited):
        house.open(order)


def test_a_session_without_a_name_is_never_locked(house: House) -> None:
    for _ in range(2 * POLICY.most):
        house.failed(SessionOrder())


def test_sessions_opened_ahead_do_not_get_round_a_lock(house: House) -> None:
    order = orders(house)["correlation"]
    made = [house.open(order) for _ in range(POLICY.most + 1)]
    for one in made[: POLICY.most]:
        house.store.start(one, entry=checked(NOW))
        house.store.end(one, FAILED, verdict="jws", at=NOW)
    with pytest.raises(RateLimited):
        house.rival.start(made[-1], entry=checked(NOW))


def test_no_more_run_side_by_side_than_may_fail(house: House) -> None:
    order = orders(house)["correlation"]
    made = [house.open(order) for _ in range(4 * POLICY.most)]

    def starts(number: int) -> bool:
        store = house.rival if number % 2 else house.store
        try:
            store.start(made[number], entry=checked(NOW))
        except RateLimited:
            return False
        return True

    with ThreadPoolExecutor(8) as servers:
        assert sum(servers.map(starts, range(len(made)))) == POLICY.most


def test_a_session_that_is_over_makes_room_for_another(house: House) -> None:
    order = orders(house)["correlation"]
    first, *others = (house.open(order) for _ in range(POLICY.most + 1))
    for one in (first, *others[:-1]):
        house.store.start(one, entry=checked(NOW))
    house.store.end(first, PASSED, verdict="jws", at=NOW)
    assert house.store.start(others[-1], entry=checked(NOW)).started_at == NOW


def test_sessions_that_are_revoked_while_they_run_have_failed(house: House) -> None:
    order = orders(house)["correlation"]
    for _ in range(2 * POLICY.most):
        house.store.remove(ACME, house.open(order), at=NOW)
    for _ in range(POLICY.most):
        made = house.open(order)
        house.store.start(made, entry=checked(NOW))
        house.store.remove(ACME, made, at=NOW)
    with pytest.raises(RateLimited):
        house.open(order)


def test_a_revoked_session_that_was_over_counts_once(house: House) -> None:
    order = orders(house)["correlation"]
    for number in range(2 * POLICY.most):
        made = house.open(order, at=NOW)
        house.store.start(made, entry=checked(NOW))
        house.store.end(made, PASSED if number % 5 else FAILED, verdict="jws", at=NOW)
        house.store.remove(ACME, made, at=NOW)
    house.open(order)


@pytest.mark.parametrize("claimed", [False, True])
def test_sessions_of_a_server_that_was_lost_have_failed(house: House, *, claimed: bool) -> None:
    order = orders(house)["correlation"]
    made = [house.open(order) for _ in range(POLICY.most)]
    for one in made:
        house.store.start(one, entry=checked(NOW))
        if claimed:
            house.store.claim(one, at=NOW)
    late = later(seconds=LONGEST_RUN_S)
    for _ in range(2):
        with pytest.raises(RateLimited):
            house.open(order, at=late)
    house.open(order, at=late + POLICY.first_lock)
    assert house.store.get(ACME, made[0]).came_to(late) == LOST


@pytest.mark.parametrize("outcome", [FAULT, DECLINED, TOO_SLOW], ids=lambda it: it.reasons[0])
def test_what_is_no_failure_of_whoever_tried_locks_nobody_out(
    house: House, outcome: SessionOutcome
) -> None:
    order = orders(house)["correlation"]
    for _ in range(2 * POLICY.most):
        made = house.open(order)
        house.store.start(made, entry=checked(NOW))
        house.store.end(made, outcome, verdict="jws", at=NOW)
    assert house.store.get(ACME, made).state(NOW) is SessionState.FAILED
    house.open(order)


def test_a_pass_does_not_wipe_out_failures(house: House) -> None:
    order = orders(house)["correlation"]
    for _ in range(POLICY.most - 1):
        house.failed(order)
    made = house.open(order)
    house.store.start(made, entry=checked(NOW))
    house.store.end(made, PASSED, verdict="jws", at=NOW)
    house.failed(order)
    with pytest.raises(RateLimited):
        house.open(order)


# --- forgetting ----------------------------------------------------------------------------------


def test_old_sessions_are_forgotten_whatever_became_of_them(house: House) -> None:
    ended, left, new = house.open(), house.open(), house.open(at=later(hours=1))
    house.store.start(ended, entry=checked(NOW))
    house.store.end(ended, PASSED, verdict="jws", at=NOW)
    assert house.store.forget(before=later(hours=1)) == 2
    for gone in (ended, left):
        with pytest.raises(SessionNotFound):
            house.store.get(ACME, gone)
    assert house.store.get(ACME, new)


def test_forgetting_sessions_opens_no_lock(house: House) -> None:
    order = orders(house)["correlation"]
    for _ in range(POLICY.most):
        house.failed(order)
    house.store.forget(before=later(minutes=4))
    with pytest.raises(RateLimited):
        house.open(order, at=later(minutes=4))


def test_an_erased_tenant_leaves_no_session_and_no_lock(
    servers: tuple[Storage, ...], house: House
) -> None:
    if not servers:  # nobody erases tenants from memory
        return
    tenant = TenantId("erased")
    servers[0].keys.add(api_key("of the erased", tenant=tenant))
    order = SessionOrder(correlation_id="device 17")
    house.failed(order, tenant=tenant)
    made = house.open(order, tenant=tenant)
    servers[0].tenants.erase(entry=entry(tenant, Processing.TENANT_DELETE))
    with pytest.raises(SessionNotFound):
        house.rival.start(made, entry=checked(NOW))
    with servers[0].database.read() as connection:
        for table in (liveness_sessions, liveness_failures):
            held = sa.select(sa.func.count()).where(table.c.tenant_id == tenant)
            assert connection.execute(held).scalar_one() == 0
