"""Quotas: the same of a fake, of SQLite and of PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from perse.domain.access import TenantId
from perse.domain.audit import Act
from perse.domain.consent import Processing
from perse.domain.quotas import Quota, Use, window_at
from perse.domain.subjects import SubjectDetails
from perse.errors import InvalidParameter, NotFound, QuotaExceeded
from perse.pipelines.quotas import Allowances, Leave
from perse.storage.quotas import SqlQuotas
from perse.storage.storage import Storage
from tests.fakes.quotas import FakeQuotas
from tests.storage.conftest import open_at
from tests.storage.postgresql import Cluster
from tests.storage.samples import ACME, NOW, OTHER, entry, reference, with_tenants

MINUTE, DAY, BYTES = (
    Quota.REQUESTS_PER_MINUTE,
    Quota.REQUESTS_PER_DAY,
    Quota.UPLOAD_BYTES_PER_DAY,
)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def counts(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FakeQuotas | SqlQuotas]:
    if request.param == "memory":
        yield FakeQuotas()
        return
    url = f"sqlite:///{tmp_path / 'perse.db'}"
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("cluster")
        url = cluster.new_database()
    with open_at(url, tmp_path) as storage:
        with_tenants(storage.keys)
        yield storage.quotas


def test_nobody_has_a_quota_who_was_not_given_one(counts: FakeQuotas | SqlQuotas) -> None:
    assert counts.lease(ACME, {}, at=NOW) == {}
    assert counts.use(ACME, at=NOW) == [Use(Quota.PEOPLE, 0), Use(Quota.SAMPLES, 0)]


def test_leases_come_from_one_count_until_nothing_is_left(counts: FakeQuotas | SqlQuotas) -> None:
    counts.set(ACME, MINUTE, 50)
    counts.set(OTHER, MINUTE, 5)
    sizes = [counts.lease(ACME, {}, at=NOW)[MINUTE].size for _ in range(27)]
    assert sizes == [2] * 25 + [0, 0]
    assert counts.lease(ACME, {}, at=NOW)[MINUTE].ends_at == window_at(MINUTE, NOW)[1]
    assert counts.use(ACME, at=NOW)[0] == Use(MINUTE, 50, 50, window_at(MINUTE, NOW)[1])
    later = NOW + timedelta(minutes=1)
    assert counts.lease(ACME, {}, at=later)[MINUTE].size == 2
    assert counts.use(ACME, at=later)[0].used == 2
    assert counts.lease(OTHER, {}, at=NOW)[MINUTE].size == 1


def test_what_is_held_is_not_leased_again_and_what_was_overspent_is_counted(
    counts: FakeQuotas | SqlQuotas,
) -> None:
    counts.set(ACME, DAY, 1000)
    counts.set(ACME, BYTES, 2000)
    grants = counts.lease(ACME, {DAY: 30, BYTES: -250}, at=NOW)
    assert (grants[DAY].size, grants[BYTES].size) == (20, 350)


def test_what_is_held_of_a_quota_that_was_lowered_is_taken_back(
    counts: FakeQuotas | SqlQuotas,
) -> None:
    counts.set(ACME, DAY, 1_000_000)
    assert counts.lease(ACME, {}, at=NOW)[DAY].size == 50_000
    counts.set(ACME, DAY, 100)
    assert counts.lease(ACME, {DAY: 49_999}, at=NOW)[DAY].size == 5 - 49_999
    assert counts.use(ACME, at=NOW)[0].used == 6


def test_a_quota_can_be_changed_and_taken_away(counts: FakeQuotas | SqlQuotas) -> None:
    counts.set(ACME, MINUTE, 0)
    assert counts.lease(ACME, {}, at=NOW)[MINUTE].size == 0
    counts.set(ACME, MINUTE, 1)
    assert counts.lease(ACME, {}, at=NOW)[MINUTE].size == 1
    counts.set(ACME, MINUTE, None)
    assert counts.lease(ACME, {}, at=NOW) == {}
    with pytest.raises(InvalidParameter):
        counts.set(ACME, MINUTE, -1)


def test_a_server_whose_clock_is_behind_counts_in_the_window_that_has_begun(
    storage: Storage,
) -> None:
    with_tenants(storage.keys)
    storage.quotas.set(ACME, MINUTE, 20)
    ahead, behind = window_at(MINUTE, NOW)[1], window_at(MINUTE, NOW)[1] - timedelta(seconds=1)
    sizes = [storage.quotas.lease(ACME, {}, at=at)[MINUTE].size for at in (ahead, behind) * 11]
    assert sum(sizes) == 20


@pytest.mark.parametrize("quota", [MINUTE, DAY, BYTES])
def test_a_clock_that_was_far_ahead_keeps_nobody_out_once_it_is_set_right(
    storage: Storage, quota: Quota
) -> None:
    with_tenants(storage.keys)
    storage.quotas.set(ACME, quota, 1)
    assert storage.quotas.lease(ACME, {}, at=NOW + timedelta(days=400))[quota].size == 1
    assert storage.quotas.use(ACME, at=NOW)[0].used == 0
    assert storage.quotas.lease(ACME, {}, at=NOW)[quota].size == 1
    assert storage.quotas.lease(ACME, {}, at=NOW)[quota].size == 0


def test_a_quota_that_was_taken_away_is_counted_anew_when_it_is_given_again(
    storage: Storage,
) -> None:
    with_tenants(storage.keys)
    for quota in (DAY, MINUTE):
        storage.quotas.set(ACME, quota, 1)
    assert storage.quotas.lease(ACME, {}, at=NOW)[DAY].size == 1
    for most in (None, 1):
        storage.quotas.set(ACME, DAY, most)
    again = storage.quotas.lease(ACME, {}, at=NOW)
    assert (again[DAY].size, again[MINUTE].size) == (1, 0)


def test_what_an_operator_sets_is_in_the_audit_log(storage: Storage) -> None:
    with_tenants(storage.keys)
    storage.quotas.set(ACME, Quota.PEOPLE, 5)
    storage.quotas.set(ACME, Quota.PEOPLE, None)
    entries = [it.entry for it in storage.journal.log.entries()][-2:]
    assert [(it.deed.act, it.deed.target, it.deed.tenant_id) for it in entries] == [
        (Act.QUOTA_SET, "people", ACME)
    ] * 2
    assert [dict(it.deed.details) for it in entries] == [
        {"before": "none", "most": 5},
        {"before": 5, "most": "none"},
    ]
    with pytest.raises(NotFound):
        storage.quotas.set(TenantId("nobody"), Quota.PEOPLE, 1)


def test_no_person_more_than_the_quota_is_kept_however_many_come_at_once(
    url: str, tmp_path: Path
) -> None:
    both = [open_at(url, tmp_path) for _ in range(2)]
    with_tenants(both[0].keys)
    both[0].quotas.set(ACME, Quota.PEOPLE, 5)

    def enrol(n: int) -> None:
        made = reference(n, values=16)
        with suppress(QuotaExceeded):
            noted = entry(token=made.record.user_token)
            both[n % 2].references.add(made, entry=noted)

    with ThreadPoolExecutor(8) as many:
        list(many.map(enrol, range(24)))
    assert len(both[0].reference_list.tokens(ACME)) == 5
    assert both[0].quotas.use(ACME, at=NOW)[0] == Use(Quota.PEOPLE, 5, 5)
    assert list(both[0].ledger.problems()) == []
    for storage in both:
        storage.close()


def test_whoever_is_deleted_makes_room(storage: Storage) -> None:
    with_tenants(storage.keys)
    storage.quotas.set(ACME, Quota.PEOPLE, 1)
    one, two = (reference(n, values=16) for n in range(2))
    first = one.record.user_token
    storage.references.add(one, entry=entry(token=first))
    with pytest.raises(QuotaExceeded, match="quota is 1 people: delete"):
        storage.references.add(two, entry=entry())
    storage.references.replace(reference(3, token=first, values=16), entry=entry(token=first))
    storage.references.delete(first, entry=entry(operation=Processing.DELETE, token=first))
    storage.references.add(two, entry=entry())


def test_samples_have_a_quota_of_their_own(storage: Storage) -> None:
    with_tenants(storage.keys)
    storage.quotas.set(ACME, Quota.SAMPLES, 1)
    made = reference(values=16)
    storage.references.add(made, entry=entry(token=made.record.user_token))
    storage.subjects.create(
        reference(2).record.user_token, SubjectDetails(), entry=entry()
    )  # without a sample
    with pytest.raises(QuotaExceeded, match="samples"):
        storage.references.add(reference(3, values=16), entry=entry())
    storage.tenants.erase(entry=entry(operation=Processing.TENANT_DELETE))


def test_two_servers_let_no_more_requests_in_than_the_quota(url: str, tmp_path: Path) -> None:
    both = [open_at(url, tmp_path) for _ in range(2)]
    with_tenants(both[0].keys)
    both[0].quotas.set(ACME, MINUTE, 60)
    servers = [Allowances(it.quotas, lambda: NOW) for it in both]

    def let_in(n: int) -> bool:
        allowances = servers[n % 2]
        try:
            leave = allowances.spend_request(ACME)
            while leave is Leave.UNKNOWN:
                allowances.lease(ACME)
                leave = allowances.spend_request(ACME, leased=True)
        except QuotaExceeded:
            return False
        return True

    with ThreadPoolExecutor(8) as many:
        answered = sum(many.map(let_in, range(200)))
    assert answered == 60
    for storage in both:
        storage.close()
