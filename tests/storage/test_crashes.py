"""Nothing acknowledged is lost, nothing half done stays, whoever dies in between."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from perse.domain.access import TenantId
from perse.domain.consent import Processing
from perse.errors import StorageUnavailable, UserTokenNotFound
from perse.storage.schema import ledger_entries, subjects, templates
from perse.storage.storage import Storage
from tests.storage.conftest import open_at
from tests.storage.postgresql import Cluster
from tests.storage.samples import ACME, entry, moved, reference, with_tenants
from tests.storage.stage import Stage

REPOSITORY = Path(__file__).parents[2]
KILLS = 6
ENROLMENTS = int(os.environ.get("PERSE_CRASH_ENROLMENTS", "60"))


@dataclass(frozen=True)
class Report:
    """What a killed process had acknowledged: users that were left, and users it deleted."""

    enrolled: set[str]
    deleted: set[str]


class Enroller:
    """A process that enrols, from its first acknowledgement until it is killed."""

    def __init__(self, url: str, folder: Path, seed: int, *modes: str) -> None:
        arguments = [url, str(folder), str(seed), *modes]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.storage.enroller", *arguments],
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
        )
        assert self._process.stdout is not None
        self._said = [self._process.stdout.readline().strip()]
        if not self._said[0]:
            self._process.communicate()
            pytest.fail("the enrolling process ended before it enrolled anybody")

    def wait_for_a_deletion(self) -> None:
        assert self._process.stdout is not None
        while not self._said[-1].startswith("-"):
            self._said.append(self._process.stdout.readline().strip())
            assert self._said[-1], "it ended before it deleted anybody"

    def kill(self) -> Report:
        self._process.kill()
        rest, _ = self._process.communicate()
        # The last line may be torn; it was not acknowledged then.
        said = [*self._said, *rest.split("\n")[:-1]]
        deleted = {line[1:] for line in said if line.startswith("-")}
        begun = {line[1:] for line in said if line.startswith("?")}
        return Report({line for line in said if line[0] not in "-?"} - begun, deleted)


def assert_whole(storage: Storage, expected: Iterable[str]) -> None:
    """Every user opens, each has a template, the ledger is unbroken."""
    tokens = storage.reference_list.tokens(ACME)
    assert set(expected) <= set(tokens)
    for token in tokens:
        storage.references.find(ACME, token)
    with storage.database.read() as connection:
        counts = [
            connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in (subjects, templates)
        ]
        noted = connection.execute(
            sa.select(ledger_entries.c.user_token).where(ledger_entries.c.operation == "face_enrol")
        ).scalars()
        assert set(tokens) <= set(noted)
    assert counts[0] == counts[1] == len(tokens) == storage.reference_list.total(ACME)
    assert list(storage.ledger.problems()) == []


def test_every_acknowledged_enrolment_survives_a_kill(url: str, tmp_path: Path) -> None:
    storage = open_at(url, tmp_path)
    with_tenants(storage.keys)
    chance, expected = random.Random(3), set[str]()
    for round_ in range(200):
        storage.close()
        enroller = Enroller(url, tmp_path, 10_000 * round_)
        time.sleep(chance.uniform(0.05, 1.0))
        expected |= enroller.kill().enrolled
        storage = open_at(url, tmp_path)
        assert set(expected) <= set(storage.reference_list.tokens(ACME))
        if round_ + 1 >= KILLS and len(expected) >= ENROLMENTS:
            break
    assert len(expected) >= ENROLMENTS
    assert_whole(storage, expected)
    storage.close()


def test_two_processes_enrol_and_delete_together(url: str, tmp_path: Path) -> None:
    storage = open_at(url, tmp_path)
    with_tenants(storage.keys)
    both = [Enroller(url, tmp_path, seed, "delete") for seed in (0, 10_000)]
    for enroller in both:
        enroller.wait_for_a_deletion()
    time.sleep(1)
    reports = [enroller.kill() for enroller in both]
    assert_whole(storage, reports[0].enrolled | reports[1].enrolled)
    for report in reports:
        assert report.deleted
        assert not report.deleted & set(storage.reference_list.tokens(ACME))
    storage.close()


def test_a_move_cut_short_has_happened_or_not(stage: Stage, url: str, tmp_path: Path) -> None:
    """Killed before every transaction and every commit in turn: the old template with no entry, or
    the new one with its entry."""
    storage = open_at(url, tmp_path)
    with_tenants(storage.keys)
    seen, finished = set[tuple[str, int]](), False
    for stop_at in range(20):
        made = reference(stop_at)
        token = made.record.user_token
        storage.references.add(made, entry=entry(token=token))
        server = stage.server(url, tmp_path)
        finished = server.ask("move", ACME, token, stop_at) is True
        server.kill()
        model = storage.references.find(ACME, token).template.model
        noted = list(storage.ledger.entries(user_token=token))
        seen.add((model, len(noted)))
        if finished:
            break
    assert finished
    assert seen == {("net", 1), ("new-net", 2)}
    assert_whole(storage, storage.reference_list.tokens(ACME))
    storage.close()


def test_a_move_without_its_ledger_entry_does_not_happen(url: str, tmp_path: Path) -> None:
    storage = open_at(url, tmp_path)
    with_tenants(storage.keys)
    made = reference(1)
    token = made.record.user_token
    storage.references.add(made, entry=entry(token=token))
    before = storage.references.find(ACME, token)
    noted = entry(operation=Processing.MOVE, token=token, at=None)  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        storage.references.move(before, moved(before), entry=noted)
    assert storage.references.record(ACME, token) == before.record
    storage.references.find(ACME, token)
    storage.close()


def test_a_stopped_server_is_said_clearly_and_found_again(cluster: Cluster, tmp_path: Path) -> None:
    storage = open_at(cluster.new_database(), tmp_path)
    with_tenants(storage.keys)
    made = reference(1)
    storage.references.add(made, entry=entry(token=made.record.user_token))
    cluster.stop("immediate")
    try:
        for use in (
            lambda: storage.references.find(ACME, made.record.user_token),
            lambda: storage.references.add(reference(2), entry=entry()),
        ):
            with pytest.raises(StorageUnavailable, match="does not answer"):
                use()
    finally:
        cluster.start()
    answered_again(storage)
    assert_whole(storage, [made.record.user_token])
    storage.references.add(reference(3), entry=entry())
    storage.close()


def answered_again(storage: Storage, *, within_s: float = 10.0) -> None:
    """Whether a database is back is found out now and then; until then it is away for all."""
    started = time.monotonic()
    while time.monotonic() - started < within_s:
        with suppress(StorageUnavailable):
            storage.reference_list.tokens(ACME)
            return
        time.sleep(0.05)
    pytest.fail("the database is back, and nobody found out")


def test_lost_connections_are_replaced(cluster: Cluster, tmp_path: Path) -> None:
    storage = open_at(cluster.new_database(), tmp_path)
    with_tenants(storage.keys)
    made = reference(1)
    storage.references.add(made, entry=entry())
    cluster.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'perse'"
    )
    storage.references.find(ACME, made.record.user_token)
    storage.close()


def enrol_many(storage: Storage, count: int) -> None:
    for n in range(count):
        storage.references.add(reference(n), entry=entry())


def test_a_full_disk_is_said_clearly_and_loses_nothing(sqlite: Storage) -> None:
    with_tenants(sqlite.keys)
    made = reference(1)
    sqlite.references.add(made, entry=entry(token=made.record.user_token))

    def narrow(connection: sa.Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count=1")

    sa.event.listen(sqlite.database.engine, "begin", narrow)
    with pytest.raises(StorageUnavailable, match="full"):
        enrol_many(sqlite, 500)
    sa.event.remove(sqlite.database.engine, "begin", narrow)
    sqlite.database.engine.dispose()
    sqlite.references.find(ACME, made.record.user_token)
    assert list(sqlite.ledger.problems()) == []
    more = reference(2)
    sqlite.references.add(more, entry=entry(token=more.record.user_token))


@pytest.mark.skipif(os.getuid() == 0, reason="root may write to everything")
def test_a_folder_that_may_not_be_written_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StorageUnavailable, match="writing"):
        open_at(f"sqlite:///{tmp_path / 'perse.db'}", tmp_path)


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "perse.db").write_bytes(b"no database " * 1000)
    with pytest.raises(StorageUnavailable, match="no SQLite database"):
        open_at(f"sqlite:///{tmp_path / 'perse.db'}", tmp_path)


def test_a_tenant_that_is_gone_enrols_nobody(storage: Storage) -> None:
    with pytest.raises(UserTokenNotFound):
        storage.references.add(reference(), entry=entry(TenantId("nobody")))
