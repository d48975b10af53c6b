from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from perse.domain.access import TenantId
from perse.domain.consent import Processing
from perse.domain.retries import RetryKey
from perse.errors import StorageDamaged, UserTokenNotFound
from perse.storage.bulk import SqlBulk
from perse.storage.bulk_schema import bulk_keys, bulk_outcomes
from perse.storage.master_key_file import MasterKeyFile
from perse.storage.rotation import RotateSecrets
from perse.storage.storage import Storage
from tests.storage.conftest import open_at
from tests.storage.samples import ACME, NOW, OTHER, entry, reference, with_tenants

MARK = b'{"vector": "unmistakably"}'


@pytest.fixture
def bulk(storage: Storage) -> SqlBulk:
    with_tenants(storage.keys)
    return storage.bulk


def recalled(bulk: SqlBulk, tenant: TenantId, name: str) -> bytes | None:
    return bulk.recall(tenant, [name]).get(name)


def item(name: str) -> RetryKey:
    return RetryKey.of_item(name, secret=b"s" * 32)


def test_what_became_a_sample_is_known_by_its_key_for_good(storage: Storage, bulk: SqlBulk) -> None:
    made, retry = reference(1), item("ann/a.jpg")
    storage.references.add(made, entry=entry(), retry=retry)
    keys = [item("bob/b.jpg").key, retry.key]
    assert storage.tenants.forget_retries(before=NOW + timedelta(days=400)) == 0
    assert bulk.done(ACME, keys) == {retry.key}
    assert bulk.done(OTHER, keys) == set()
    token = made.record.user_token
    storage.references.delete(token, entry=entry(operation=Processing.DELETE, token=token))
    assert bulk.done(ACME, keys) == {retry.key}


def test_an_outcome_is_kept_sealed_for_its_tenant(storage: Storage, bulk: SqlBulk) -> None:
    bulk.keep(ACME, "sface/1", MARK, at=NOW)
    bulk.keep(ACME, "sface/1", b"another", at=NOW)
    assert recalled(bulk, ACME, "sface/1") == MARK
    assert recalled(bulk, OTHER, "sface/1") is recalled(bulk, ACME, "sface/2") is None
    with storage.database.read() as connection:
        (row,) = connection.execute(sa.select(bulk_outcomes)).all()
    assert b"unmistakably" not in row.envelope
    assert b"sface" not in row.content_digest


def test_outcomes_that_were_swapped_do_not_open(storage: Storage, bulk: SqlBulk) -> None:
    for name in ("1", "2"):
        bulk.keep(ACME, name, name.encode(), at=NOW)
    with storage.database.write() as connection:
        one, two = connection.execute(sa.select(bulk_outcomes)).all()
        for row, other in ((one, two), (two, one)):
            connection.execute(
                sa.update(bulk_outcomes)
                .where(bulk_outcomes.c.content_digest == row.content_digest)
                .values(envelope=other.envelope)
            )
    with pytest.raises(StorageDamaged):
        recalled(bulk, ACME, "1")


def test_a_forgotten_outcome_is_in_no_file(sqlite: Storage, tmp_path: Path) -> None:
    with_tenants(sqlite.keys)
    sqlite.bulk.keep(ACME, "1", MARK, at=NOW)
    sqlite.bulk.keep(OTHER, "1", MARK, at=NOW)
    with sqlite.database.read() as connection:
        (envelope,) = connection.execute(
            sa.select(bulk_outcomes.c.envelope).where(bulk_outcomes.c.tenant_id == ACME)
        ).scalars()
    assert (sqlite.bulk.forget(ACME), sqlite.bulk.forget(ACME)) == (1, 0)
    assert recalled(sqlite.bulk, OTHER, "1") == MARK
    assert envelope not in b"".join(it.read_bytes() for it in tmp_path.glob("perse.db*"))


def test_renewed_keys_leave_no_outcome_that_old_ones_open(
    storage: Storage, bulk: SqlBulk, tmp_path: Path
) -> None:
    bulk.keep(ACME, "1", MARK, at=NOW)
    rotate = RotateSecrets(
        storage.database, storage.master, MasterKeyFile(tmp_path / "master.key"), storage.journal
    )
    rotate(renew_tenant_keys=False)
    assert recalled(bulk, ACME, "1") == MARK
    rotate(renew_tenant_keys=True)
    assert recalled(bulk, ACME, "1") is None
    bulk.keep(ACME, "1", MARK, at=NOW)
    assert recalled(bulk, ACME, "1") == MARK


def test_an_erased_tenant_leaves_neither(storage: Storage, bulk: SqlBulk) -> None:
    bulk.keep(ACME, "1", MARK, at=NOW)
    storage.references.add(reference(1), entry=entry(), retry=item("a"))
    storage.tenants.erase(entry=entry(operation=Processing.TENANT_DELETE))
    with storage.database.read() as connection:
        for table in (bulk_keys, bulk_outcomes):
            assert connection.execute(sa.select(table)).all() == []
    with pytest.raises(UserTokenNotFound):
        bulk.keep(ACME, "1", MARK, at=NOW)


def test_another_process_knows_the_same(url: str, tmp_path: Path) -> None:
    with open_at(url, tmp_path) as one, open_at(url, tmp_path) as two:
        with_tenants(one.keys)
        one.bulk.keep(ACME, "1", MARK, at=NOW)
        assert recalled(two.bulk, ACME, "1") == MARK


def test_many_are_recalled_at_once_whichever_of_two_keys_seals_them(
    storage: Storage, bulk: SqlBulk, tmp_path: Path
) -> None:
    for n in range(5):
        bulk.keep(ACME, str(n), bytes([n]), at=NOW)
    with storage.database.write() as connection:
        bulk.tenant_keys.renew(connection, ACME)
    bulk.keep(ACME, "5", b"\5", at=NOW)
    names = [str(n) for n in range(8)]
    assert bulk.recall(ACME, names) == {str(n): bytes([n]) for n in range(6)}
