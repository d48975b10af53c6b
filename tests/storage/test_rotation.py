"""Rotations that are cut short, overlap, or meet servers, starts and deletions."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa

from perse.domain.access import TenantId
from perse.errors import MasterKeyUnusable, SetupError
from perse.storage.database import open_database
from perse.storage.master_key import MasterKeys, from_text, key_text, master_key_id, parse_keys
from perse.storage.master_key_file import MasterKeyFile
from perse.storage.rotation import RotateSecrets
from perse.storage.schema import tenant_keys
from perse.storage.sealing import new_key
from perse.storage.secrets import named_master_keys
from perse.storage.storage import MasterKeyChoice, Storage, open_storage
from perse.storage.tenant_keys import TenantKeys
from tests.fakes.storage import FakeSigner
from tests.storage.conftest import open_at
from tests.storage.postgresql import Cluster
from tests.storage.samples import ACME, OTHER, entry, reference, with_tenants
from tests.storage.stage import Process, Refused, Stage


@dataclass
class Installation:
    """A database, a folder with the key file, and a server that has enrolled some users."""

    stage: Stage
    url: str
    folder: Path
    keys: str | None = None
    server: Process = field(init=False)
    users: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server = self.start()
        for tenant in (ACME, OTHER):
            self.server.ask("add_tenant", tenant)
            self.enrol(tenant)

    @property
    def pace(self) -> int:
        """Every step is taken on SQLite; PostgreSQL, which takes longer, gets each third."""
        return 1 if self.url.startswith("sqlite") else 3

    def start(self) -> Process:
        return self.stage.server(self.url, self.folder, keys=self.keys)

    def enrol(self, tenant: str = ACME) -> None:
        token = self.server.ask("enrol", tenant, len(self.users))
        self.users.append((tenant, str(token)))

    def assert_readable(self, *servers: Process) -> None:
        """By those, by the one that has run all the time, and by one that starts now."""
        starting = self.start()
        for server in (*servers, self.server, starting):
            assert server.ask("read", self.users) == len(self.users)
        starting.kill()

    def keys_in_file(self) -> list[str]:
        text = (self.folder / "master.key").read_text()
        return [master_key_id(key) for key in parse_keys(text)]


@pytest.fixture
def installation(stage: Stage, url: str, tmp_path: Path) -> Installation:
    return Installation(stage, url, tmp_path)


def test_a_rotation_killed_at_any_step_leaves_everything_readable(
    installation: Installation,
) -> None:
    """Each round starts a server of the keys that the kill before has left in the file."""
    for step in range(0, 1000, installation.pace):
        rotating = installation.start()
        assert rotating.ask("read", installation.users) == len(installation.users)
        said = rotating.rotate(installation.folder, tenant_keys=True, stop_at=step)
        if said != "stopped":
            break
        rotating.kill()
        installation.enrol()
    assert step > 20
    assert installation.keys_in_file() == [said]
    left = {path.name for path in installation.folder.iterdir() if path.name.endswith(".part")}
    assert left == set()
    installation.assert_readable()


def test_a_second_rotation_is_refused_while_one_is_under_way(installation: Installation) -> None:
    first = installation.start()
    said = first.rotate(installation.folder, tenant_keys=True, stop_at=5, outside=True)
    assert said == "stopped"
    with pytest.raises(Refused, match="another rotation of this database's secrets is under way"):
        installation.start().rotate(installation.folder, wait_s=0.1)
    installation.enrol(OTHER)
    new = first.resume()
    assert installation.keys_in_file() == [new]
    installation.assert_readable()


def test_a_second_rotation_waits_for_one_that_ends(installation: Installation) -> None:
    first, second = installation.start(), installation.start()
    assert first.rotate(installation.folder, stop_at=1, outside=True) == "stopped"
    second.tell("rotate", str(installation.folder), False, -1, False, 60)
    first.resume()
    new = second.hear()
    assert installation.keys_in_file() == [new]
    installation.assert_readable()


def test_a_killed_rotation_locks_nobody_out(installation: Installation) -> None:
    first = installation.start()
    assert first.rotate(installation.folder, stop_at=1, outside=True) == "stopped"
    first.kill()
    new = installation.start().rotate(installation.folder)
    assert installation.keys_in_file() == [new]
    installation.assert_readable()


@pytest.fixture
def lose_the_lock(request: pytest.FixtureRequest, url: str, tmp_path: Path) -> Callable[[], None]:
    """As a restarted PostgreSQL, a proxy or a tidy operator may take it from a running rotation."""
    if url.startswith("sqlite"):
        return (tmp_path / ".locks" / "perse.db.rotation.lock").unlink
    cluster: Cluster = request.getfixturevalue("cluster")
    return lambda: cluster.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
    )


def test_no_key_is_lost_even_where_the_lock_is(
    installation: Installation, lose_the_lock: Callable[[], None]
) -> None:
    """One rotation is stopped at each step in turn while a whole other one runs."""
    for step in range(1000):
        first = installation.start()
        if first.rotate(installation.folder, tenant_keys=True, stop_at=step, outside=True) != (
            "stopped"
        ):
            break
        lose_the_lock()
        installation.start().rotate(installation.folder, tenant_keys=True)
        with suppress(Refused):  # it may notice, and says so; what counts is what is left
            first.resume()
        installation.assert_readable()
        installation.enrol(OTHER)
    assert step > 8


def test_a_tenant_erased_meanwhile_does_not_stop_a_rotation(installation: Installation) -> None:
    for step in (4, 6, 9):
        rotating = installation.start()
        said = rotating.rotate(installation.folder, tenant_keys=True, stop_at=step, outside=True)
        assert said == "stopped"
        for tenant in (OTHER, ACME):
            installation.server.ask("erase", tenant)
        installation.users.clear()
        assert installation.keys_in_file()[:1] == [rotating.resume()]
        for tenant in (ACME, OTHER):
            installation.server.ask("add_tenant", tenant)
            installation.enrol(tenant)
        installation.assert_readable()


def test_a_key_that_the_database_still_names_is_not_dropped(
    installation: Installation, url: str, tmp_path: Path
) -> None:
    """A row put back by hand, from a backup, while the rotation runs."""
    storage = open_at(url, tmp_path)
    with storage.database.read() as connection:
        row = connection.execute(sa.select(tenant_keys).limit(1)).one()
    rotating = installation.start()
    for step in range(1000):
        rotating = installation.start()
        if rotating.rotate(tmp_path, stop_at=step, outside=True) != "stopped":
            pytest.fail("there was no moment between naming the new key and dropping the old one")
        with storage.database.read() as connection:
            named = named_master_keys(connection)
        if row.master_key_id not in named:
            break
        rotating.kill()
    with storage.database.write() as connection:
        connection.execute(
            sa.update(tenant_keys)
            .where(tenant_keys.c.tenant_id == row.tenant_id)
            .values(master_key_id=row.master_key_id, wrapped_key=row.wrapped_key)
        )
    new = rotating.resume()
    assert installation.keys_in_file() == [new, row.master_key_id]
    installation.assert_readable()
    new = installation.start().rotate(tmp_path)
    assert installation.keys_in_file() == [new]
    installation.assert_readable()
    storage.close()


def test_servers_go_on_reading_and_writing_at_every_step(installation: Installation) -> None:
    second = installation.start()
    for step in range(1000):
        rotating = installation.start()
        said = rotating.rotate(installation.folder, tenant_keys=True, stop_at=step, outside=True)
        installation.enrol()
        token = installation.users[0][1]
        second.ask("update", ACME, token, step)
        installation.assert_readable(second)
        if said != "stopped":
            break
        rotating.resume()
        rotating.kill()
    assert step > 8


def test_a_reader_that_a_whole_rotation_overtakes_reads_on(url: str, tmp_path: Path) -> None:
    """Rotated twice between reading a row and opening it: the key that it names is no more."""
    storage, other = open_at(url, tmp_path), open_at(url, tmp_path)
    with_tenants(storage.keys)
    users = [reference(n) for n in range(3)]
    storage.references.add(users[0], entry=entry())
    key_file = MasterKeyFile(tmp_path / "master.key")
    rotate = RotateSecrets(other.database, other.master, key_file, other.journal)
    rotate(renew_tenant_keys=False)
    left = [2]

    def overtake(*_: object) -> None:
        if left:
            for _turn in range(left.pop()):
                rotate(renew_tenant_keys=True)

    sa.event.listen(storage.database.engine, "checkin", overtake)
    storage.references.find(ACME, users[0].record.user_token)
    assert left == []
    storage.references.add(users[1], entry=entry())
    storage.close()
    other.close()


# --- keys given by a setting or a command --------------------------------------------------------


def given(*keys: bytes) -> str:
    return key_text(keys)


def test_given_keys_are_rotated_server_by_server(stage: Stage, url: str, tmp_path: Path) -> None:
    old, new = new_key(), new_key()
    installation = Installation(stage, url, tmp_path, given(old))
    installation.keys = given(new, old)
    first, second = installation.server, installation.start()
    second.ask("enrol", OTHER, 50)
    installation.server = installation.start()
    for step in range(0, 1000, installation.pace):
        rotating = installation.start()
        said = rotating.rotate(None, tenant_keys=True, stop_at=step)
        if said != "stopped":
            break
        rotating.kill()
        assert second.ask("read", installation.users) == len(installation.users)
        installation.enrol()
    assert said == master_key_id(new)
    installation.keys = given(new)
    installation.assert_readable(second)
    with pytest.raises(Refused, match=f"sealed with master key {master_key_id(new)}"):
        first.ask("enrol", ACME, 51)
    with pytest.raises(Refused, match="give that key, too"):
        first.ask("read", installation.users)
    assert not (tmp_path / "master.key").exists()


def test_two_operators_with_new_keys_of_their_own(stage: Stage, url: str, tmp_path: Path) -> None:
    old, one, other = new_key(), new_key(), new_key()
    installation = Installation(stage, url, tmp_path, given(old))
    first = stage.server(url, tmp_path, keys=given(one, old))
    second = stage.server(url, tmp_path, keys=given(other, old))
    first.rotate(None, tenant_keys=True)
    with pytest.raises(Refused, match=master_key_id(one)):
        second.rotate(None)
    installation.keys = given(one)
    installation.server = installation.start()
    installation.assert_readable(first)


def test_it_is_said_when_there_is_no_new_key(url: str, tmp_path: Path) -> None:
    text = given(new_key())
    storage = open_given(url, text)
    done = RotateSecrets(storage.database, storage.master, None, storage.journal)(
        renew_tenant_keys=True
    )
    assert (done.new, done.drop_old, done.data_keys) == (False, False, 0)
    storage.close()
    storage = open_given(url, given(new_key()) + text)
    done = RotateSecrets(storage.database, storage.master, None, storage.journal)(
        renew_tenant_keys=False
    )
    assert (done.new, done.drop_old, done.data_keys) == (True, True, None)
    storage.close()


def open_given(url: str, text: str) -> Storage:
    choice = MasterKeyChoice(Path("unused"), from_text(text))
    return open_storage(url, master_key=choice, signer=FakeSigner())


# --- backups, copies, machines -------------------------------------------------------------------


def test_a_backup_older_than_the_key_file_asks_for_its_key(
    stage: Stage, sqlite_url: str, tmp_path: Path
) -> None:
    installation = Installation(stage, sqlite_url, tmp_path)
    database, file = tmp_path / "perse.db", tmp_path / "master.key"
    old = file.read_text()
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("VACUUM INTO ?", [str(tmp_path / "backup.db")])
    installation.server.rotate(tmp_path)
    stage.clear()
    for name in ("perse.db-wal", "perse.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / "backup.db").rename(database)
    with pytest.raises(Refused, match="for a restored backup the key of that time"):
        installation.start()
    file.write_text(file.read_text() + old)
    installation.server = installation.start()
    installation.assert_readable()
    new = installation.start().rotate(tmp_path)
    assert installation.keys_in_file() == [new]
    installation.assert_readable()


def test_machines_with_key_files_of_their_own(
    stage: Stage, cluster: Cluster, tmp_path: Path
) -> None:
    url, here, there = cluster.new_database(), tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    installation = Installation(stage, url, here)
    with pytest.raises(Refused, match="copy it from the machine that made it"):
        stage.server(url, there)
    assert not (there / "master.key").exists()
    shutil.copy(here / "master.key", there)
    elsewhere = stage.server(url, there)
    installation.assert_readable(elsewhere)
    installation.start().rotate(here, tenant_keys=True)
    for work in (("read", installation.users), ("enrol", ACME, 7)):
        with pytest.raises(Refused, match="After a rotation on another machine that is its key"):
            elsewhere.ask(*work)
    with pytest.raises(Refused, match="master_key_unusable"):
        elsewhere.rotate(there)
    shutil.copy(here / "master.key", there)
    installation.assert_readable(elsewhere)


def test_a_key_file_that_is_a_link_is_left_alone(stage: Stage, url: str, tmp_path: Path) -> None:
    installation = Installation(stage, url, tmp_path)
    file = tmp_path / "master.key"
    file.rename(tmp_path / "mounted")
    file.symlink_to(tmp_path / "mounted")
    before = file.read_text()
    with pytest.raises(Refused, match="is a link and is not written through"):
        installation.start().rotate(tmp_path)
    assert (file.is_symlink(), file.read_text()) == (True, before)
    installation.assert_readable()


def test_the_last_key_is_never_dropped(tmp_path: Path) -> None:
    file = MasterKeyFile(tmp_path / "master.key")
    file.create()
    with pytest.raises(MasterKeyUnusable, match="would hold no key"):
        file.drop(file.ids())
    assert len(MasterKeys(file.read).ids) == 1


def test_a_key_file_that_is_gone_is_not_made_anew_by_a_rotation(tmp_path: Path) -> None:
    with pytest.raises((MasterKeyUnusable, SetupError)):
        MasterKeyFile(tmp_path / "master.key").put_first(new_key())
    assert not (tmp_path / "master.key").exists()


@pytest.mark.parametrize("set_up", ["off", "local", "on"])
def test_nothing_is_dropped_that_a_power_cut_could_bring_back(
    cluster: Cluster, set_up: str
) -> None:
    """PostgreSQL may be set up to answer before a commit is on the disk."""
    database = open_database(f"{cluster.new_database()}%20-csynchronous_commit%3D{set_up}")
    shown = sa.text("SHOW synchronous_commit")
    with database.write() as connection:
        assert connection.execute(shown).scalar() == set_up
        database.insist_on_disk(connection)
        assert connection.execute(shown).scalar() == ("on" if set_up == "off" else set_up)
    with database.write() as connection:
        assert connection.execute(shown).scalar() == set_up
    database.close()


def test_all_keys_of_many_tenants_move(storage: Storage, tmp_path: Path) -> None:
    """Also those of tenants that have two at the time of a rotation."""
    with_tenants(storage.keys)
    keys = TenantKeys(storage.master)
    with storage.database.write() as connection:
        for tenant in (ACME, OTHER):
            for _ in range(2):
                keys.renew(connection, TenantId(tenant))
    key_file = MasterKeyFile(tmp_path / "master.key")
    rotate = RotateSecrets(storage.database, storage.master, key_file, storage.journal)
    done = rotate(renew_tenant_keys=False)
    assert done.tenant_keys == 4
    with storage.database.read() as connection:
        assert named_master_keys(connection) == {done.master_key}
        assert len(keys.keys(connection, ACME)) == 2
    assert list(storage.ledger.problems()) == []
