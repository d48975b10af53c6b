"""Three of what ``python -m benchmarks.failures`` breaks, in short: two servers behind nginx with
``deploy/nginx.conf``, PostgreSQL over connections that can be cut, a tenant always at work."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.failures.answers import Answer, Record
from benchmarks.failures.house import House, running_house
from benchmarks.failures.load import Tenant, loaded
from benchmarks.failures.postgres import until
from tests.conftest import NOTHING_MAY_BE_SKIPPED
from tests.nginx import needs_nginx
from tests.storage.cluster import installed_programs

pytestmark = [
    needs_nginx,
    pytest.mark.skipif(
        installed_programs() is None and not NOTHING_MAY_BE_SKIPPED,
        reason="PostgreSQL is not installed (on Debian: apt install postgresql)",
    ),
    pytest.mark.xdist_group("failures"),
]
ROUND = {"enrol", "enrol again", "list", "session", "detect", "compare", "identify"}


@dataclass(frozen=True)
class Town:
    house: House
    tenant: Tenant
    record: Record

    def await_errors(self) -> None:
        since = len(self.record.answers)
        until(lambda: not all(it.good for it in self.record.answers[since:]))

    def await_a_good_round(self) -> None:
        """From now on, of everything that the tenant does."""
        since = len(self.record.answers)
        until(lambda: {it.operation for it in self.record.answers[since:] if it.good} >= ROUND)

    def improper(self) -> list[Answer]:
        return [it for it in self.record.answers if not it.proper]


@pytest.fixture(scope="module")
def brought_up(network_files: Path) -> Iterator[Town]:
    record = Record()
    with ExitStack() as stack:
        brought = running_house(network_files, servers=2, tenants=1, replicated=False)
        house = stack.enter_context(brought)
        (tenant,) = stack.enter_context(loaded(house.proxy.port, house.keys, record))
        yield Town(house, tenant, record)


@pytest.fixture
def town(brought_up: Town) -> Iterator[Town]:
    """All is well before and behind, no matter what breaks between."""
    brought_up.await_a_good_round()
    yield brought_up
    brought_up.await_a_good_round()
    assert brought_up.tenant.book.wrong == []
    assert brought_up.improper() == []


def test_a_network_that_was_cut_is_a_503_and_then_forgotten(town: Town) -> None:
    for server in town.house.servers:
        server.cut()
    town.await_errors()
    for server in town.house.servers:
        server.mend()


def test_a_database_that_restarts_loses_nothing(town: Town) -> None:
    town.house.pair.primary.restart()


def test_a_server_that_is_killed_is_missed_by_nobody(town: Town) -> None:
    town.house.servers[0].end(signal.SIGKILL)
