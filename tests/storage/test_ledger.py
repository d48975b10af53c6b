from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from perse.domain.chains import CHAIN_START, ChainPoint
from perse.domain.consent import ChainedEntry, ConsentEntry, Processing, consent_chain
from perse.domain.references import UserToken
from perse.errors import StorageUnavailable
from perse.storage.ledger import SqlLedger
from perse.storage.ledger_writer import LedgerWriter
from perse.storage.schema import ledger_entries, ledger_head
from perse.storage.storage import Storage
from tests.fakes.storage import FakeLedger
from tests.storage.conftest import open_at
from tests.storage.samples import ACME, OTHER, entry, reference, with_tenants


@pytest.fixture
def ledger(storage: Storage) -> SqlLedger:
    for n in range(10):
        storage.ledger.append([entry(token=UserToken(f"user {n % 3}"))])
    return storage.ledger


def change(ledger: SqlLedger, *statements: sa.Executable) -> list[str]:
    """What is found wrong after somebody meddled."""
    with ledger.database.write() as connection:
        for statement in statements:
            connection.execute(statement)
    return list(ledger.problems())


def test_what_was_written_can_be_read(ledger: SqlLedger) -> None:
    links = list(ledger.entries())
    assert [link.point.seq for link in links] == list(range(1, 11))
    assert links[0].entry == entry(token=UserToken("user 0"))
    assert links[0].previous == CHAIN_START.hash
    assert len(list(ledger.entries(user_token=UserToken("user 1")))) == 3
    assert list(ledger.entries(tenant_id=OTHER)) == []
    assert ledger.head() == links[-1].point == ledger.point(10)
    assert ledger.point(11) is None


def test_the_entries_of_a_subject_come_in_pages_each_checked_by_itself(ledger: SqlLedger) -> None:
    first = ledger.page(ACME, UserToken("user 0"), after=0, limit=3)
    assert [link.point.seq for link in first] == [1, 4, 7]
    rest = ledger.page(ACME, UserToken("user 0"), after=7, limit=3)
    assert [link.point.seq for link in rest] == [10]
    assert ledger.page(OTHER, UserToken("user 0"), after=0, limit=3) == []
    change(ledger, sa.update(ledger_entries).where(ledger_entries.c.seq == 4).values(purpose="x"))
    checked = ledger.page(ACME, UserToken("user 0"), after=0, limit=3)
    assert [ledger.intact(link) for link in checked] == [True, False, True]


def test_a_whole_ledger_has_no_problems(ledger: SqlLedger) -> None:
    assert list(ledger.problems()) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("declaration", "absent"),
        ("operation", "nonsense"),
        ("user_token", None),
        ("key_id", "other-key"),
        ("tenant_id", "other"),
        ("purpose", "another purpose"),
        ("at", entry().at.replace(year=2027)),
        ("previous", bytes(32)),
        ("hash", bytes(32)),
    ],
)
def test_any_change_is_found(ledger: SqlLedger, column: str, value: object) -> None:
    meddled = sa.update(ledger_entries).where(ledger_entries.c.seq == 5).values({column: value})
    problems = change(ledger, meddled)
    assert any("entry 5" in problem or "entry 6" in problem for problem in problems)


def test_a_removal_is_found(ledger: SqlLedger) -> None:
    problems = change(ledger, sa.delete(ledger_entries).where(ledger_entries.c.seq == 5))
    assert "entry 5 removed" in problems


def test_a_removal_that_renumbers_the_rest_is_found(ledger: SqlLedger) -> None:
    removal = sa.delete(ledger_entries).where(ledger_entries.c.seq == 5)
    moves = [
        sa.update(ledger_entries).where(ledger_entries.c.seq == n).values(seq=n - 1)
        for n in range(6, 11)
    ]
    assert change(ledger, removal, *moves)


def test_a_cut_end_is_found(ledger: SqlLedger) -> None:
    assert change(ledger, sa.delete(ledger_entries).where(ledger_entries.c.seq > 7)) == [
        "the ledger ends at entry 7, but its last entry was 10"
    ]


def test_an_insertion_is_found(ledger: SqlLedger) -> None:
    last = list(ledger.entries())[-1]
    forged = {
        **{"seq": 11, "at": last.entry.at, "tenant_id": ACME, "operation": "face_enrol"},
        **{"declaration": "given", "previous": last.point.hash, "hash": bytes(32)},
    }
    head = sa.update(ledger_head).values(seq=11, hash=bytes(32))
    assert change(ledger, sa.insert(ledger_entries).values(forged), head) == [
        "entry 11 was changed or did not come from this server"
    ]


def test_without_the_key_nobody_can_write_the_chain_anew(ledger: SqlLedger) -> None:
    """Whoever rewrites the whole ledger consistently still lacks the key of its hashes."""
    kept = [link.entry for link in ledger.entries()][:5]
    with ledger.database.write() as connection:
        connection.execute(sa.delete(ledger_entries))
        connection.execute(sa.update(ledger_head).values(seq=0, hash=bytes(32)))
    SqlLedger.of(ledger.database, b"a guess").append(kept)
    assert len(list(ledger.problems())) == 5


def test_a_cut_end_with_its_head_is_found_by_what_was_noted(ledger: SqlLedger) -> None:
    noted, earlier = ledger.head(), ledger.point(7)
    assert earlier is not None
    cut = sa.delete(ledger_entries).where(ledger_entries.c.seq > 7)
    head = sa.update(ledger_head).values(seq=earlier.seq, hash=earlier.hash)
    assert change(ledger, cut, head) == []
    assert ledger.point(noted.seq) != noted


def test_enrolment_and_its_entry_are_one(storage: Storage) -> None:
    with_tenants(storage.keys)
    made = reference()
    noted = entry(token=made.record.user_token)
    storage.references.add(made, entry=noted)
    storage.references.delete(made.record.user_token, entry=entry(operation=Processing.DELETE))
    assert [link.entry.operation for link in storage.ledger.entries()] == [
        Processing.ENROL,
        Processing.DELETE,
    ]


def test_two_processes_write_one_chain(url: str, tmp_path: Path) -> None:
    both = [open_at(url, tmp_path) for _ in range(2)]
    writers = [LedgerWriter(storage.ledger) for storage in both]

    def call(n: int) -> None:
        writers[n % 2].begin(entry()).result(timeout=60)

    with ThreadPoolExecutor(8) as callers:
        list(callers.map(call, range(200)))
    for writer in writers:
        writer.close()
    assert both[0].ledger.head().seq == 200
    assert list(both[1].ledger.problems()) == []
    for storage in both:
        storage.close()


class SlowLedger(FakeLedger):
    """Commits only when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.may_commit = threading.Semaphore(0)
        self.batches: list[int] = []

    def append(self, entries: Sequence[ConsentEntry]) -> ChainPoint:
        self.may_commit.acquire()
        self.batches.append(len(entries))
        return super().append(entries)


@pytest.fixture
def slow() -> Iterator[tuple[SlowLedger, LedgerWriter]]:
    ledger = SlowLedger()
    writer = LedgerWriter(ledger)
    yield ledger, writer
    ledger.may_commit.release(1000)
    writer.close()


def test_no_call_is_told_before_its_entry_is_written(
    slow: tuple[SlowLedger, LedgerWriter],
) -> None:
    ledger, writer = slow
    written = writer.begin(entry())
    with pytest.raises(TimeoutError):
        written.result(timeout=0.05)
    ledger.may_commit.release()
    written.result(timeout=5)
    assert len(ledger.links) == 1


def test_calls_that_come_during_a_commit_share_the_next(
    slow: tuple[SlowLedger, LedgerWriter],
) -> None:
    ledger, writer = slow
    first = writer.begin(entry())
    ledger.may_commit.release()
    first.result(timeout=5)
    waiting = [writer.begin(entry()) for _ in range(50)]
    ledger.may_commit.release(2)
    for written in waiting:
        written.result(timeout=5)
    assert sum(ledger.batches) == 51
    assert len(ledger.batches) <= 3


def test_every_call_hears_that_its_entry_was_not_written() -> None:
    ledger = FakeLedger(fails_with=StorageUnavailable("full"))
    writer = LedgerWriter(ledger)
    waiting = [writer.begin(entry()) for _ in range(3)]
    for written in waiting:
        with pytest.raises(StorageUnavailable):
            written.result(timeout=5)
    ledger.fails_with = None
    writer.begin(entry()).result(timeout=5)
    writer.close()


def test_closing_writes_what_was_handed_in() -> None:
    ledger = FakeLedger()
    writer = LedgerWriter(ledger)
    waiting = [writer.begin(entry()) for _ in range(200)]
    writer.close()
    assert all(written.done() for written in waiting)
    assert len(ledger.links) == 200


def test_a_chain_read_out_of_order_is_broken() -> None:
    ledger = FakeLedger()
    ledger.append([entry() for _ in range(3)])
    links: list[ChainedEntry] = [ledger.links[0], ledger.links[2], ledger.links[1]]
    assert list(consent_chain(ledger.key).broken(links, head=links[1].point))
