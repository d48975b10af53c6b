"""What is deleted by the hundred thousand takes many short transactions, not one long one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from perse.domain.access import TenantId
from perse.storage.bulk_schema import bulk_outcomes
from perse.storage.master_key_file import MasterKeyFile
from perse.storage.rotation import RotateSecrets
from perse.storage.schema import idempotency_keys
from perse.storage.storage import Storage
from tests.storage.samples import ACME, NOW, OTHER, with_tenants

MANY = 5001


@contextmanager
def deletions(storage: Storage, table: sa.Table) -> Iterator[list[int]]:
    """How many rows of ``table`` the statements deleted, each."""
    deleted: list[int] = []

    def note(_: object, cursor: sa.CursorResult[object], statement: str, *__: object) -> None:
        if statement.split()[:3] == ["DELETE", "FROM", table.name]:
            deleted.append(cursor.rowcount)

    sa.event.listen(storage.database.engine, "after_cursor_execute", note)
    yield deleted
    sa.event.remove(storage.database.engine, "after_cursor_execute", note)


def put(storage: Storage, table: sa.Table, rows: list[dict[str, object]]) -> None:
    with storage.database.write() as connection:
        connection.execute(sa.insert(table), rows)


def left(storage: Storage, table: sa.Table) -> int:
    with storage.database.read() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def outcomes(tenant: TenantId, count: int) -> list[dict[str, object]]:
    return [
        {
            "tenant_id": tenant,
            "content_digest": n.to_bytes(4),
            "key_generation": 1,
            "envelope": b"sealed",
            "created_at": NOW,
        }
        for n in range(count)
    ]


def test_outcomes_of_bulk_work_are_forgotten_a_few_at_a_time(storage: Storage) -> None:
    with_tenants(storage.keys)
    put(storage, bulk_outcomes, outcomes(ACME, MANY) + outcomes(OTHER, 1))
    with deletions(storage, bulk_outcomes) as deleted:
        assert storage.bulk.forget(ACME) == MANY
    assert deleted == [5000, 1]
    assert left(storage, bulk_outcomes) == 1


def test_a_rotation_drops_outcomes_of_older_keys_a_few_at_a_time(
    storage: Storage, tmp_path: Path
) -> None:
    with_tenants(storage.keys)
    storage.bulk.keep(ACME, "1", b"{}", at=NOW)
    put(storage, bulk_outcomes, outcomes(ACME, MANY - 1))
    rotate = RotateSecrets(
        storage.database, storage.master, MasterKeyFile(tmp_path / "master.key"), storage.journal
    )
    with deletions(storage, bulk_outcomes) as deleted:
        rotate(renew_tenant_keys=True)
    assert (max(deleted), sum(deleted)) == (5000, MANY)
    assert left(storage, bulk_outcomes) == 0


def test_old_names_of_requests_are_forgotten_a_few_at_a_time(storage: Storage) -> None:
    with_tenants(storage.keys)
    row = {"tenant_id": ACME, "request_digest": b"r", "user_token": "u", "sample_id": None}
    old = [row | {"key_digest": n.to_bytes(4), "created_at": NOW} for n in range(MANY)]
    later = NOW + timedelta(days=1)
    put(storage, idempotency_keys, [*old, row | {"key_digest": b"new", "created_at": later}])
    with deletions(storage, idempotency_keys) as deleted:
        assert storage.tenants.forget_retries(before=later) == MANY
    assert deleted == [5000, 1]
    assert left(storage, idempotency_keys) == 1
