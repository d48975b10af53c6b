"""What was deleted is in no file any more: proven on the bytes."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from perse.domain.consent import Processing
from perse.domain.references import UserToken
from perse.errors import StorageDamaged, StorageUnavailable
from perse.storage.database import Database
from perse.storage.renewal import RenewTenantKeys
from perse.storage.schema import subjects, templates
from perse.storage.sealing import WRAPPED_KEY_BYTES, unseal
from perse.storage.storage import Storage
from perse.storage.tenant_keys import TenantKeys
from tests.storage.conftest import open_at
from tests.storage.samples import ACME, OTHER, entry, moved, reference, with_tenants

_STEP_BYTES = 16


@pytest.fixture(autouse=True)
def tenants(request: pytest.FixtureRequest) -> None:
    if "sqlite" in request.fixturenames:
        with_tenants(request.getfixturevalue("sqlite").keys)


def files(folder: Path) -> dict[str, bytes]:
    """The database with its log and index, byte for byte."""
    found = {path.name: path.read_bytes() for path in folder.glob("perse.db*")}
    assert {"perse.db", "perse.db-wal", "perse.db-shm"} <= set(found)
    return found


def envelope(database: Database, token: UserToken) -> bytes:
    query = sa.select(templates.c.envelope).join(subjects).where(subjects.c.user_token == token)
    with database.read() as connection:
        return bytes(connection.execute(query).scalar_one())


def pieces(sealed: bytes) -> Iterable[bytes]:
    """Every 16 bytes of ciphertext, tag and wrapped key, wherever they begin."""
    return (sealed[at : at + _STEP_BYTES] for at in range(len(sealed) - _STEP_BYTES + 1))


def remains(secrets: Iterable[bytes], folder: Path) -> list[str]:
    """Where any piece of ``secrets`` still stands."""
    wanted = {piece for secret in secrets for piece in pieces(secret)}
    return [
        name
        for name, content in files(folder).items()
        if any(content[at : at + _STEP_BYTES] in wanted for at in range(len(content)))
    ]


def enrol(storage: Storage, seed: int, *, values: int = 512) -> UserToken:
    made = reference(seed, values=values)
    return storage.references.add(made, entry=entry(token=made.record.user_token)).user_token


def delete(storage: Storage, token: UserToken) -> None:
    storage.references.delete(token, entry=entry(operation=Processing.DELETE, token=token))


def test_the_search_finds_what_is_there(sqlite: Storage, tmp_path: Path) -> None:
    sealed = envelope(sqlite.database, enrol(sqlite, 1))
    assert remains([sealed], tmp_path) == ["perse.db-wal"]
    sqlite.database.erase_traces()
    assert remains([sealed], tmp_path) == ["perse.db"]


def test_a_template_is_never_on_the_disk_in_clear(sqlite: Storage, tmp_path: Path) -> None:
    made = reference(1)
    sqlite.references.add(made, entry=entry())
    vector = made.template.vector.tobytes()
    for name, content in files(tmp_path).items():
        assert vector[:16] not in content, name
        assert vector[-16:] not in content, name


@pytest.mark.parametrize("values", [128, 512])
def test_nothing_of_a_deleted_template_or_its_key_remains(
    sqlite: Storage, tmp_path: Path, values: int
) -> None:
    token = enrol(sqlite, 1, values=values)
    sealed = envelope(sqlite.database, token)
    delete(sqlite, token)
    assert remains([sealed], tmp_path) == []


def test_nothing_remains_after_much_coming_and_going(sqlite: Storage, tmp_path: Path) -> None:
    chance = random.Random(5)
    held: list[UserToken] = []
    gone: list[bytes] = []
    for n in range(250):
        if held and chance.random() < 0.45:
            token = held.pop(chance.randrange(len(held)))
            gone.append(envelope(sqlite.database, token))
            delete(sqlite, token)
        else:
            held.append(enrol(sqlite, n, values=chance.choice([128, 256, 512])))
    assert len(gone) > 80
    assert remains(gone, tmp_path) == []
    for token in held:
        sqlite.references.find(ACME, token)


def test_nothing_of_an_updated_template_remains(sqlite: Storage, tmp_path: Path) -> None:
    token = enrol(sqlite, 1)
    sealed = envelope(sqlite.database, token)
    sqlite.references.replace(reference(2, token=token), entry=entry(token=token))
    assert remains([sealed], tmp_path) == []


def test_nothing_of_a_moved_template_remains(sqlite: Storage, tmp_path: Path) -> None:
    token = enrol(sqlite, 1)
    sealed, before = envelope(sqlite.database, token), sqlite.references.find(ACME, token)
    assert sqlite.references.move(before, moved(before), entry=entry(token=token))
    assert remains([sealed], tmp_path) == []


class _Kept(Database):
    """A long reader keeps the log beyond anybody's patience."""

    def erase_traces(self) -> None:
        raise StorageUnavailable("a long reader keeps the log")


def test_a_long_reader_undoes_no_move(sqlite: Storage, tmp_path: Path) -> None:
    token = enrol(sqlite, 1)
    sealed, before = envelope(sqlite.database, token), sqlite.references.find(ACME, token)
    references = replace(sqlite.references, database=_Kept(sqlite.database.engine))
    assert references.move(before, moved(before), entry=entry(token=token))
    assert sqlite.references.record(ACME, token).model == "new-net"
    delete(sqlite, enrol(sqlite, 2))
    assert remains([sealed], tmp_path) == []


def test_nothing_of_an_erased_tenant_remains(sqlite: Storage, tmp_path: Path) -> None:
    tokens = [enrol(sqlite, n) for n in range(20)]
    sealed = [envelope(sqlite.database, token) for token in tokens]
    sqlite.tenants.erase(entry=entry(operation=Processing.TENANT_DELETE))
    assert remains(sealed, tmp_path) == []


def test_deletion_waits_for_a_reader_and_then_leaves_nothing(
    sqlite: Storage, tmp_path: Path
) -> None:
    token = enrol(sqlite, 1)
    sealed = envelope(sqlite.database, token)
    with sqlite.database.read() as reader:
        reader.execute(sa.select(templates)).all()
        deleting = threading.Thread(target=delete, args=(sqlite, token))
        deleting.start()
        deleting.join(timeout=0.3)
        assert deleting.is_alive()
    deleting.join(timeout=20)
    assert remains([sealed], tmp_path) == []


def test_a_start_empties_the_log_that_a_crash_left(
    sqlite: Storage, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = enrol(sqlite, 1)
    sealed = envelope(sqlite.database, token)
    with monkeypatch.context() as crash:
        crash.setattr(Database, "erase_traces", _power_cut)
        with pytest.raises(StorageUnavailable):
            delete(sqlite, token)
    assert remains([sealed], tmp_path) == ["perse.db-wal"]
    open_at(sqlite_url, tmp_path).close()
    assert remains([sealed], tmp_path) == []


def _power_cut(_: Database) -> None:
    raise StorageUnavailable("the machine stopped")


def test_no_key_that_is_left_opens_what_a_backup_still_holds(
    storage: Storage, tmp_path: Path
) -> None:
    """Where the bytes outlive the row (PostgreSQL's log, any backup), new keys end them."""
    with_tenants(storage.keys)
    kept, gone = enrol(storage, 1), enrol(storage, 2)
    sealed = envelope(storage.database, gone)
    delete(storage, gone)
    keys = TenantKeys(storage.master)
    assert RenewTenantKeys(storage.database, keys)() == 1
    storage.references.find(ACME, kept)
    with storage.database.read() as connection:
        left = keys.keys(connection, ACME).values()
    assert len(left) == 1
    for key in left:
        with pytest.raises(StorageDamaged):
            _unwrap(key, sealed, gone)


def _unwrap(key: bytes, sealed: bytes, token: UserToken) -> bytes:
    return unseal(key, sealed[-WRAPPED_KEY_BYTES:], "data key", ACME, token)


def test_other_tenants_keep_what_they_have(sqlite: Storage) -> None:
    made = reference(9)
    sqlite.references.add(made, entry=entry(OTHER, token=made.record.user_token))
    sqlite.tenants.erase(entry=entry(operation=Processing.TENANT_DELETE))
    assert sqlite.references.find(OTHER, made.record.user_token).record == made.record


def test_two_processes_may_empty_the_log_at_the_same_time(
    sqlite: Storage, sqlite_url: str, tmp_path: Path
) -> None:
    other = open_at(sqlite_url, tmp_path)
    both = [sqlite, other]
    tokens = [enrol(both[n % 2], n, values=16) for n in range(80)]
    sealed = [envelope(sqlite.database, token) for token in tokens]

    def delete_some(which: int) -> None:
        for token in tokens[which::2]:
            delete(both[which], token)

    with ThreadPoolExecutor(2) as deleting:
        list(deleting.map(delete_some, range(2)))
    assert remains(sealed, tmp_path) == []
    other.close()
