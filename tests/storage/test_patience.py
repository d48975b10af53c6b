"""A database that says nothing is waited for as long as was set, and no longer."""

from __future__ import annotations

import inspect
import re
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import psycopg
import pytest
import sqlalchemy as sa

from benchmarks.failures.wire import Wire, wire_to
from perse.errors import SettingsInvalid, StorageUnavailable
from perse.storage.advice import advice_on
from perse.storage.database import Database, open_database
from perse.storage.outage import Outage
from perse.storage.postgresql import Patience, PatientConnection, open_postgresql, vain_s
from tests.conftest import REPOSITORY
from tests.storage.postgresql import Cluster

SHORT = Patience(connection_s=2, ping_s=0.4, statement_s=1.0, idle_s=0.5)
NOW = sa.text("SELECT 1")
HOLD = sa.text("SELECT it FROM held FOR UPDATE")


@contextmanager
def opened(cluster: Cluster, wire: Wire | None = None) -> Iterator[Database]:
    place = f"host={cluster.folder}" if wire is None else f"host=127.0.0.1&port={wire.port}"
    engine = open_postgresql(f"postgresql://postgres@/postgres?{place}", SHORT)
    with Database(engine, Outage(vain_s)) as database:
        yield database


@pytest.fixture
def wire(cluster: Cluster) -> Iterator[Wire]:
    with wire_to(str(cluster.folder / ".s.PGSQL.5432")) as whole:
        yield whole


def one(database: Database) -> object:
    with database.write() as connection:
        return connection.execute(NOW).scalar_one()


def test_a_network_that_is_cut_is_found_out_and_forgotten_when_it_is_whole(
    cluster: Cluster, wire: Wire
) -> None:
    with opened(cluster, wire) as database:
        assert one(database) == 1
        wire.cut()
        with pytest.raises(StorageUnavailable, match="does not answer"):
            one(database)
        with pytest.raises(StorageUnavailable, match="does not answer"):
            one(database)
        wire.mend()
        assert until_one(database) == 1


def test_a_network_that_is_cut_within_a_transaction_ends_it(cluster: Cluster, wire: Wire) -> None:
    with opened(cluster, wire) as database:
        with pytest.raises(StorageUnavailable), database.write() as connection:
            cut_between(connection, wire)
        wire.mend()
        assert until_one(database) == 1


def cut_between(connection: sa.Connection, wire: Wire) -> None:
    connection.execute(NOW)
    wire.cut()
    connection.execute(NOW)


def test_a_statement_that_takes_too_long_is_ended_by_the_database(cluster: Cluster) -> None:
    with opened(cluster) as database:
        with pytest.raises(StorageUnavailable, match="busy for too long"):
            slow(database.write())
        assert one(database) == 1


def test_what_may_take_its_time_does(cluster: Cluster) -> None:
    with opened(cluster) as database:
        slow(database.write_at_leisure())


def slow(writing: AbstractContextManager[sa.Connection]) -> None:
    with writing as connection:
        connection.execute(sa.text("SELECT pg_sleep(2)"))


def test_whoever_leaves_a_transaction_open_lets_go_of_what_others_wait_for(
    cluster: Cluster,
) -> None:
    cluster.sql("CREATE TABLE IF NOT EXISTS held AS SELECT 1 AS it")
    frozen, thawed = threading.Event(), threading.Event()
    with opened(cluster) as database, opened(cluster) as other:

        def freeze() -> None:
            with pytest.raises(StorageUnavailable), database.write() as connection:
                hold_and_freeze(connection)

        def hold_and_freeze(connection: sa.Connection) -> None:
            connection.execute(HOLD)
            frozen.set()
            thawed.wait(20)
            connection.execute(NOW)

        thread = threading.Thread(target=freeze)
        thread.start()
        frozen.wait(20)
        with other.write() as connection:
            assert connection.execute(HOLD).scalar() == 1
        thawed.set()
        thread.join()
    cluster.sql("DROP TABLE held")


def test_several_servers_may_be_named_and_the_one_that_is_there_is_found(
    cluster: Cluster, wire: Wire
) -> None:
    with open_database(
        f"postgresql://postgres@127.0.0.1:1,127.0.0.1:{wire.port}/postgres"
    ) as database:
        assert one(database) == 1


def test_what_is_no_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(SettingsInvalid) as refusal:
        open_database("postgresql://perse:secret@host/perse?no_such_option=secret")
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    "servers", ["hostaddr=10.0.0.1,10.0.0.2", "host=db-1,db-2&hostaddr=10.0.0.1"]
)
def test_several_servers_are_not_named_by_hostaddr(servers: str) -> None:
    with pytest.raises(SettingsInvalid, match="leave hostaddr out"):
        open_database(f"postgresql://perse@/perse?{servers}")


def test_one_server_may_be_named_by_hostaddr(wire: Wire) -> None:
    url = f"postgresql://postgres@localhost:{wire.port}/postgres?hostaddr=127.0.0.1"
    with open_database(url) as database:
        assert one(database) == 1


def until_one(database: Database) -> object:
    while True:
        try:
            return one(database)
        except StorageUnavailable:
            threading.Event().wait(0.05)


def test_the_oldest_psycopg_that_is_asked_for_can_be_told_how_long_to_wait() -> None:
    told = re.findall(r'"psycopg\[binary\]>=([\d.]+)"', (REPOSITORY / "pyproject.toml").read_text())
    assert told == ["3.3.7"] * 2  # before 3.3.6 Connection.wait took no timeout
    parameters = inspect.signature(psycopg.Connection.wait).parameters
    assert list(parameters) == list(inspect.signature(PatientConnection.wait).parameters)


def test_who_gets_no_connection_is_told_so_and_the_others_go_on(cluster: Cluster) -> None:
    cluster.sql("CREATE ROLE two_at_most LOGIN CONNECTION LIMIT 2")
    url = f"postgresql://two_at_most@/postgres?host={cluster.folder}"
    with open_database(url) as database, open_database(url) as other:
        assert one(other) == one(database) == 1
        with database.read():
            for _ in range(2):
                with pytest.raises(StorageUnavailable, match="no connection left"):
                    one(database)
            assert one(other) == 1
        assert one(database) == 1  # at once: it never was away
    cluster.sql("DROP ROLE two_at_most")


@pytest.mark.parametrize(
    "refusal",
    [
        "FATAL:  sorry, too many clients already",
        "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute",
    ],
)
def test_a_database_that_has_no_connection_left_is_not_away(refusal: str) -> None:
    full, away = map(psycopg.OperationalError, (refusal, "Connection refused"))
    assert vain_s(sa.exc.OperationalError(None, None, full), 1.0) is None
    assert vain_s(sa.exc.OperationalError(None, None, away), 1.0) == 1.0
    assert "no connection left" in advice_on(str(full))
