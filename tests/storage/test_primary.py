"""Of several PostgreSQL servers the primary of the newest timeline is the one to write to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import psycopg
import pytest

from perse.storage.database import Database, open_database
from perse.storage.primary import Connection, Primary
from tests.storage.postgresql import Cluster


@dataclass
class FakeConnection:
    """To a server that has been promoted ``promotions`` times."""

    host: str
    promotions: int | None
    timeline: int = 0
    closed: bool = False

    def execute(self, _: str) -> FakeConnection:
        if self.promotions is None:
            raise psycopg.errors.FeatureNotSupported
        return self

    def fetchone(self) -> tuple[int | None]:
        return (self.promotions,)

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def close(self) -> None:
        self.closed = True


@dataclass
class Servers:
    """``writable``: those that take writes, with their timeline."""

    writable: dict[str, int | None] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    made: list[FakeConnection] = field(default_factory=list)

    def connect(self, **given: Any) -> Connection:  # noqa: ANN401
        self.asked.append(given)
        if given["host"] not in self.writable:
            raise psycopg.OperationalError(f"{given['host']} is away or a standby")
        self.made.append(FakeConnection(given["host"], self.writable[given["host"]]))
        return cast(Connection, self.made[-1])

    def hosts(self) -> list[str]:
        return [it["host"] for it in self.asked]


def connected(primary: Primary) -> str:
    connection = primary.connect(host="one,two", port="5432,5433", user="perse")
    return cast(FakeConnection, connection).host


def test_a_single_server_is_asked_nothing() -> None:
    servers = Servers({"one": 1})
    Primary(servers.connect).connect(host="one", user="perse")
    assert servers.asked == [{"host": "one", "user": "perse"}]


def test_each_is_asked_with_its_own_port_for_one_that_takes_writes() -> None:
    servers = Servers({"two": 1})
    assert connected(Primary(servers.connect)) == "two"
    assert [(it["host"], it["port"]) for it in servers.asked] == [("one", "5432"), ("two", "5433")]
    assert {it["target_session_attrs"] for it in servers.asked} == {"read-write"}


def test_after_a_fail_over_the_other_one_is_taken_and_asked_first_from_then_on() -> None:
    servers = Servers({"one": 1})
    primary = Primary(servers.connect)
    assert connected(primary) == "one"
    servers.writable = {"two": 2}
    assert connected(primary) == "two"
    servers.asked.clear()
    assert connected(primary) == "two"
    assert servers.hosts() == ["two"]


def test_an_old_primary_that_takes_writes_again_is_left_alone() -> None:
    servers = Servers({"two": 2})
    primary = Primary(servers.connect)
    assert connected(primary) == "two"
    servers.writable = {"one": 1}
    with pytest.raises(psycopg.OperationalError, match="stale"):
        connected(primary)
    assert servers.made[-1].closed


def test_connections_to_what_was_the_primary_are_superseded_when_another_is_met() -> None:
    servers = Servers({"one": 1})
    primary = Primary(servers.connect)
    connected(primary)
    connected(primary)
    servers.writable = {"two": 2}
    connected(primary)
    assert [primary.superseded(cast(Connection, it)) for it in servers.made] == [True, True, False]


def test_a_pool_gives_no_connection_to_what_was_the_primary(cluster: Cluster) -> None:
    host, at = str(cluster.folder), cluster.port
    url = f"postgresql://postgres@/postgres?host={host},{host}&port={at},{at}"
    with open_database(url) as database:
        old = process(database)
        assert process(database) == old
        with database.read() as connection:
            opened = connection.connection.driver_connection
            assert isinstance(opened, Connection)
            assert opened.timeline == 1
            opened.timeline = 0  # as if it had been opened before a promotion
        new = process(database)
        assert new != old
        assert process(database) == new


def process(database: Database) -> int:
    """Of the server, which tells connections apart."""
    with database.read() as connection:
        return int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


def test_who_has_met_neither_takes_the_newest() -> None:
    servers = Servers({"one": 1, "two": 2})
    assert connected(Primary(servers.connect)) == "two"
    assert [it.closed for it in servers.made] == [True, False]


def test_servers_that_tell_no_timeline_are_taken_as_they_come() -> None:
    servers = Servers({"one": None, "two": None})
    assert connected(Primary(servers.connect)) == "one"


def test_where_nobody_takes_writes_that_is_said() -> None:
    with pytest.raises(psycopg.OperationalError, match="two is away"):
        connected(Primary(Servers().connect))
