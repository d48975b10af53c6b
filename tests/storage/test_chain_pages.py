"""Who reads a chain slowly, such as ``perse audit list | less``, keeps no transaction open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from perse.domain.audit import Act, AuditEntry, Deed
from perse.domain.references import UserToken
from perse.storage.database import Database
from perse.storage.storage import Storage
from tests.storage.samples import ACME, NOW, OTHER, entry

MANY = 2001


def under_way(database: Database) -> int:
    """Transactions of this process."""
    pool = database.engine.pool
    assert isinstance(pool, sa.QueuePool)
    return pool.checkedout()


@pytest.fixture
def long(storage: Storage) -> Storage:
    """Whose chains take three pages."""
    ann = UserToken("ann")
    storage.ledger.append([entry(token=ann)] * MANY)
    deed = Deed(Act.KEY_PERMIT, "key", ACME)
    alike = AuditEntry(NOW, storage.journal.actor, deed)
    storage.journal.log.append([alike] * MANY)
    return storage


def test_nothing_is_open_while_a_reader_of_the_ledger_pauses(long: Storage) -> None:
    assert_pauses_are_free(long.database, (it.point.seq for it in long.ledger.entries()))
    one = long.ledger.entries(tenant_id=ACME, user_token=UserToken("ann"))
    assert len(list(one)) == MANY
    assert list(long.ledger.entries(tenant_id=OTHER)) == []


def test_nothing_is_open_while_a_reader_of_the_audit_log_pauses(long: Storage) -> None:
    log = long.journal.log
    assert_pauses_are_free(long.database, (it.point.seq for it in log.entries()))
    assert len(list(log.entries(since=NOW))) >= MANY


def assert_pauses_are_free(database: Database, seqs: Iterator[int]) -> None:
    read = []
    for seq in seqs:
        read.append(seq)
        assert under_way(database) == 0
    assert read == list(range(1, len(read) + 1))
    assert len(read) >= MANY
