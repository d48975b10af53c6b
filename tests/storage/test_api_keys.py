from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from perse.auth.api_keys import KeyStore
from perse.domain.access import ALL_PERMISSIONS, KeyId, Permission
from perse.errors import InvalidParameter, NotFound
from perse.storage.storage import Storage
from tests.fakes.keys import MemoryKeys
from tests.storage.conftest import open_at
from tests.storage.postgresql import Cluster
from tests.storage.samples import ACME, NOW, api_key


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def keys(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyStore]:
    if request.param == "memory":
        yield MemoryKeys()
        return
    url = f"sqlite:///{tmp_path / 'perse.db'}"
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("cluster")
        url = cluster.new_database()
    storage = open_at(url, tmp_path)
    yield storage.keys
    storage.close()


def test_a_key_is_found_by_its_digest_and_id(keys: KeyStore) -> None:
    key = api_key("app")
    keys.add(key)
    assert keys.find(key.digest) == keys.get(key.key_id) == keys.active_named("app") == key
    assert list(keys.all()) == [key]
    assert keys.find(bytes(32)) is None
    assert keys.get(KeyId("nobody")) is None


def test_two_active_keys_never_share_a_name(keys: KeyStore) -> None:
    keys.add(api_key("app"))
    with pytest.raises(InvalidParameter, match="app"):
        keys.add(api_key("app"))
    assert len(keys.all()) == 1


def test_a_revoked_key_is_found_no_more_and_frees_its_name(keys: KeyStore) -> None:
    key = api_key("app")
    keys.add(key)
    assert keys.revoke("app", at=NOW) == replace(key, revoked_at=NOW)
    assert keys.find(key.digest) is None
    assert keys.get(key.key_id) is None
    assert [kept.active for kept in keys.all()] == [False]
    with pytest.raises(NotFound, match="app"):
        keys.active_named("app")
    with pytest.raises(NotFound, match="app"):
        keys.revoke("app", at=NOW)
    keys.add(api_key("app"))
    assert len(keys.all()) == 2


def test_the_database_leaves_revoked_keys_out(sqlite: Storage) -> None:
    """Nothing comes back that would have to be turned down, so a revoked key takes no longer than
    an unknown one: benchmarks/refusal_times.py measures it."""
    asked: list[str] = []
    sa.event.listen(
        sqlite.database.engine,
        "before_cursor_execute",
        lambda connection, cursor, statement, *rest: asked.append(statement),
    )
    sqlite.keys.find(bytes(32))
    sqlite.keys.get(KeyId("nobody"))
    assert ["revoked_at IS NULL" in query for query in asked if "SELECT" in query] == [True, True]


def test_what_a_key_may_do_is_kept_and_changed(keys: KeyStore) -> None:
    keys.add(api_key("app"))
    some = replace(api_key("some"), permissions=frozenset({Permission.READ, Permission.ENROL}))
    keys.add(some)
    assert keys.get(some.key_id) == some
    changed = keys.permit("some", lambda before: before - {Permission.ENROL})
    assert (
        keys.find(some.digest) == changed == replace(some, permissions=frozenset({Permission.READ}))
    )
    assert keys.permit("some", lambda before: ALL_PERMISSIONS).permissions == ALL_PERMISSIONS
    assert {key.permissions for key in keys.all()} == {ALL_PERMISSIONS}
    with pytest.raises(NotFound):
        keys.permit("nobody", lambda before: before)


def test_a_permission_that_this_version_does_not_know_allows_nothing(sqlite: Storage) -> None:
    key = replace(api_key("app"), permissions=frozenset({Permission.READ}))
    sqlite.keys.add(key)
    with sqlite.database.write() as connection:
        connection.execute(sa.text("UPDATE api_keys SET permissions = 'read fly'"))
    assert sqlite.keys.get(key.key_id) == key


def test_a_rotated_key_works_on_under_another_name(keys: KeyStore) -> None:
    old, new = api_key("app"), api_key("app")
    keys.add(old)
    retired = keys.rotate(new, retired_name="app (old)")
    assert retired == replace(old, name="app (old)")
    assert keys.active_named("app") == new
    assert keys.active_named("app (old)").digest == old.digest
    assert {key.tenant_id for key in keys.all()} == {ACME}
    with pytest.raises(NotFound):
        keys.rotate(api_key("nobody"), retired_name="x")
