"""What one process lets tenants use, and how rarely it asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from perse.domain.access import TenantId
from perse.domain.quotas import Grant, Quota, window_at
from perse.errors import InvalidParameter, QuotaExceeded
from perse.pipelines.quotas import Allowances, Leave
from tests.fakes.quotas import FakeQuotas
from tests.fakes.storage import FakeClock

ACME = TenantId("acme")
MINUTE, DAY, BYTES = (
    Quota.REQUESTS_PER_MINUTE,
    Quota.REQUESTS_PER_DAY,
    Quota.UPLOAD_BYTES_PER_DAY,
)


@dataclass
class SlowQuotas(FakeQuotas):
    """A look at the database takes ``takes_s``."""

    clock: FakeClock = field(default_factory=FakeClock)
    takes_s: float = 0.0

    def lease(
        self, tenant_id: TenantId, held: Mapping[Quota, int], *, at: datetime
    ) -> Mapping[Quota, Grant]:
        self.clock.pass_time(seconds=self.takes_s)
        return super().lease(tenant_id, held, at=at)


class Town:
    """Processes that share counts and a clock."""

    def __init__(self, processes: int = 1, **most: int) -> None:
        self.clock, self.counts = FakeClock(datetime(2026, 1, 2, 3, 4, tzinfo=UTC)), SlowQuotas()
        self.counts.clock = self.clock
        for name, number in most.items():
            self.counts.set(ACME, Quota(name), number)
        self.processes = [
            Allowances(self.counts, self.clock, lambda: self.clock().timestamp())
            for _ in range(processes)
        ]

    def ask(self, process: int = 0) -> bool:
        """Whether a request is let in; leases as the server does."""
        allowances = self.processes[process]
        try:
            leave = allowances.spend_request(ACME)
            while leave is Leave.UNKNOWN:
                allowances.lease(ACME)
                leave = allowances.spend_request(ACME, leased=True)
        except QuotaExceeded:
            return False
        if leave is Leave.DUE:
            allowances.lease(ACME)
        return True

    def let_in(self, asked: int, process: int = 0) -> int:
        return sum(self.ask(process) for _ in range(asked))


def test_nobody_has_a_quota_who_was_not_given_one() -> None:
    town = Town()
    assert town.let_in(1000) == 1000
    assert town.counts.leases == 1


@pytest.mark.parametrize("most", [0, 1, 7, 100, 1234])
def test_no_more_requests_are_let_in_than_the_quota_and_from_one_process_all(most: int) -> None:
    town = Town(requests_per_minute=most)
    assert town.let_in(most + 50) == most


def test_a_thousand_requests_look_at_the_count_a_few_dozen_times() -> None:
    town = Town(requests_per_minute=1000)
    assert town.let_in(3000) == 1000
    assert town.counts.leases <= 45


@pytest.mark.parametrize("processes", [2, 4])
def test_processes_let_no_more_in_together_and_a_twentieth_less_for_each_other_one(
    processes: int,
) -> None:
    town = Town(processes, requests_per_minute=200)
    for process in range(processes):
        assert town.ask(process)
    alone = town.let_in(400) + processes
    assert 200 - (processes - 1) * 10 <= alone <= 200
    rest = sum(town.let_in(400, process) for process in range(1, processes))
    assert alone + rest == 200


def test_whoever_has_used_all_is_told_until_when_and_may_go_on_then() -> None:
    town = Town(requests_per_minute=5)
    town.clock.pass_time(seconds=20)
    assert town.let_in(10) == 5
    with pytest.raises(QuotaExceeded, match="quota is 5 requests per minute") as refusal:
        town.processes[0].spend_request(ACME)
    assert refusal.value.retry_after_s == 40
    town.clock.pass_time(seconds=40)
    assert town.let_in(10) == 5


def test_a_flood_of_refused_requests_looks_once_a_second() -> None:
    town = Town(requests_per_minute=5)
    town.let_in(5)
    before = town.counts.leases
    for _ in range(10):
        assert town.let_in(100) == 0
        town.clock.pass_time(seconds=0.1)
    assert town.counts.leases - before <= 2


@pytest.mark.parametrize("takes_s", [2.0, 11.0])
def test_a_database_that_is_slow_to_answer_is_believed_all_the_same(takes_s: float) -> None:
    town = Town(requests_per_day=5)
    town.counts.takes_s = takes_s
    assert town.let_in(12) == 5
    assert town.counts.leases <= 2 * 12


def test_of_two_quotas_the_smaller_one_counts() -> None:
    town = Town(requests_per_minute=50, requests_per_day=60)
    assert town.let_in(100) == 50
    town.clock.pass_time(minutes=1)
    assert town.let_in(100) == 10
    town.clock.pass_time(days=1)
    assert town.let_in(100) == 50


def test_a_quota_that_changes_counts_within_ten_seconds() -> None:
    town = Town()
    assert town.ask()
    town.counts.set(ACME, MINUTE, 3)
    town.clock.pass_time(seconds=11)
    assert town.let_in(10) == 3
    town.counts.set(ACME, MINUTE, None)
    town.clock.pass_time(seconds=11)
    assert town.let_in(10) == 10


@pytest.mark.parametrize("processes", [1, 3])
def test_a_lowered_quota_takes_back_what_was_leased_and_not_spent(processes: int) -> None:
    town = Town(processes, requests_per_day=1_000_000)
    assert [town.let_in(1, process) for process in range(processes)] == [1] * processes
    town.counts.set(ACME, DAY, 100)
    town.clock.pass_time(seconds=11)
    assert sum(town.let_in(150, process % processes) for process in range(9)) == 100 - processes
    (use, *_) = town.processes[0].use(ACME)
    assert use.used == 100


def test_a_raised_quota_counts_for_whoever_is_refused() -> None:
    town = Town(requests_per_minute=3)
    assert town.let_in(5) == 3
    town.counts.set(ACME, MINUTE, 6)
    town.clock.pass_time(seconds=1)
    assert town.let_in(5) == 3


def test_bytes_are_refused_once_they_are_used_and_not_before() -> None:
    town = Town(upload_bytes_per_day=1000)
    (allowances,) = town.processes
    allowances.lease(ACME)
    assert allowances.room_for_upload(ACME) is not Leave.UNKNOWN
    allowances.spend_bytes(ACME, 900)
    assert allowances.room_for_upload(ACME) is Leave.UNKNOWN
    allowances.lease(ACME)
    assert allowances.room_for_upload(ACME) is not Leave.UNKNOWN
    allowances.spend_bytes(ACME, 900)  # of a body that began before
    allowances.lease(ACME)
    with pytest.raises(QuotaExceeded, match="1000 upload bytes per day"):
        allowances.room_for_upload(ACME)
    assert allowances.spend_request(ACME) is not Leave.UNKNOWN
    (use, *_) = allowances.use(ACME)
    assert (use.quota, use.used, use.most) == (BYTES, 1000, 1000)


def test_windows_begin_with_the_minute_and_the_day() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert window_at(MINUTE, at)[0] == datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    assert window_at(DAY, at)[0] == datetime(2026, 1, 2, tzinfo=UTC)
    assert window_at(DAY, at)[1] - window_at(DAY, at)[0] == timedelta(days=1)
    with pytest.raises(InvalidParameter):
        window_at(Quota.PEOPLE, at)


def test_tenants_who_called_long_ago_are_forgotten() -> None:
    town = Town()
    (allowances,) = town.processes
    for n in range(10_050):
        allowances.lease(TenantId(f"tenant {n}"))
    assert allowances.spend_request(TenantId("tenant 10049")) is Leave.GIVEN
    assert allowances.spend_request(TenantId("tenant 0")) is Leave.UNKNOWN
