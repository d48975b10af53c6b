"""The audit log over SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from perse.domain.access import ALL_PERMISSIONS, Permission, TenantId
from perse.domain.audit import Act, Actor, ActorKind, AuditEntry, Deed
from perse.domain.chains import ChainPoint
from perse.domain.consent import Processing
from perse.domain.quotas import Quota
from perse.domain.receipts import noted_in
from perse.errors import InvalidParameter, NotFound, StorageUnavailable, TracesRemain
from perse.storage.audit_log import Journal, SqlAuditLog
from perse.storage.audit_tables import audit_entries, audit_head
from perse.storage.migration import schema_status
from perse.storage.rotation import RotateSecrets
from perse.storage.storage import Storage
from tests.fakes.storage import FakeClock
from tests.storage.conftest import open_at
from tests.storage.samples import ACME, NOW, OTHER, api_key, entry, reference, with_tenants

ALICE = Actor(ActorKind.COMMAND, "alice@here")


@pytest.fixture
def log(storage: Storage) -> SqlAuditLog:
    """Ten entries, the first of them by whoever made the database."""
    journal = replace(storage.journal, actor=ALICE, now=lambda: NOW)
    for n in range(2, 11):
        journal.note(Deed(Act.KEY_PERMIT, f"key {n}", ACME, {"may": "read"}))
    return storage.journal.log


def change(log: SqlAuditLog, *statements: sa.Executable) -> list[str]:
    """What is found wrong after somebody meddled."""
    with log.database.write() as connection:
        for statement in statements:
            connection.execute(statement)
    return list(log.problems())


def deeds(storage: Storage) -> Sequence[AuditEntry]:
    """But that the database was made."""
    first, *rest = (link.entry for link in storage.journal.log.entries())
    assert first.deed == Deed(Act.SCHEMA, schema_status(storage.database).newest)
    return rest


def told(storage: Storage) -> Sequence[tuple[str, str, str]]:
    return [(it.deed.act, it.deed.target, it.outcome) for it in deeds(storage)]


def test_what_was_written_can_be_read(log: SqlAuditLog) -> None:
    links = list(log.entries())
    wanted = AuditEntry(NOW, ALICE, Deed(Act.KEY_PERMIT, "key 2", ACME, {"may": "read"}))
    assert links[1].entry == wanted
    assert log.head() == links[-1].point == log.point(10)
    assert [it.point.seq for it in log.entries(since=NOW + timedelta(microseconds=1))] == [1]
    assert list(log.problems()) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", NOW + timedelta(seconds=1)),
        ("actor_kind", ActorKind.KEY),
        ("actor", "bob@here"),
        ("act", Act.KEY_REVOKE),
        ("target", "key 9"),
        ("tenant_id", None),
        ("details", '{"may": "enrol"}'),
        ("details", "no json"),
        ("details", "[]"),
        ("outcome", "not_found"),
        ("previous", bytes(32)),
        ("hash", bytes(32)),
    ],
)
def test_any_change_is_found_and_where(log: SqlAuditLog, column: str, value: object) -> None:
    meddled = sa.update(audit_entries).where(audit_entries.c.seq == 5).values({column: value})
    assert any("entry 5" in problem for problem in change(log, meddled))


def test_a_removal_is_found_and_where(log: SqlAuditLog) -> None:
    removal = sa.delete(audit_entries).where(audit_entries.c.seq == 5)
    assert change(log, removal) == ["entry 5 removed"]


def test_entries_that_change_places_are_found(log: SqlAuditLog) -> None:
    move = sa.update(audit_entries)
    swapped = [
        move.where(audit_entries.c.seq == before).values(seq=after)
        for before, after in ((5, 99), (6, 5), (99, 6))
    ]
    problems = change(log, *swapped)
    assert {"entry 5 does not follow the entry before it"} <= set(problems)
    assert "entry 6 was changed or did not come from this server" in problems


def test_a_cut_end_is_found(log: SqlAuditLog) -> None:
    assert change(log, sa.delete(audit_entries).where(audit_entries.c.seq > 7)) == [
        "the audit log ends at entry 7, but its last entry was 10"
    ]


def test_a_cut_end_with_its_head_is_found_by_what_was_noted(log: SqlAuditLog) -> None:
    noted, earlier = log.head(), log.point(7)
    assert earlier is not None
    cut = sa.delete(audit_entries).where(audit_entries.c.seq > 7)
    head = sa.update(audit_head).values(seq=earlier.seq, hash=earlier.hash)
    assert change(log, cut, head) == []
    assert log.point(noted.seq) != noted


def test_nobody_without_the_key_can_write_it_anew(log: SqlAuditLog) -> None:
    kept = [link.entry for link in log.entries()]
    with log.database.write() as connection:
        connection.execute(sa.delete(audit_entries))
        connection.execute(sa.update(audit_head).values(seq=0, hash=bytes(32)))
    SqlAuditLog.of(log.database, b"a guess").append(kept)
    assert len(list(log.problems())) == 10


def test_the_consent_ledgers_key_is_another(storage: Storage) -> None:
    assert storage.journal.log.key != storage.ledger.key


def test_every_change_of_a_key_is_written_down_with_it(storage: Storage) -> None:
    key = replace(api_key("app"), permissions=frozenset({Permission.READ, Permission.ENROL}))
    storage.keys.add(key)
    storage.keys.permit("app", lambda before: before - {Permission.ENROL})
    storage.keys.permit("app", lambda _: ALL_PERMISSIONS)
    storage.keys.rotate(api_key("app"), retired_name="app (old)")
    storage.keys.revoke("app (old)", at=NOW)
    entries = deeds(storage)
    assert [(it.deed.act, it.deed.target) for it in entries] == [
        ("key_create", "app"),
        ("key_permit", "app"),
        ("key_permit", "app"),
        ("key_rotate", "app"),
        ("key_revoke", "app (old)"),
    ]
    assert {it.deed.tenant_id for it in entries} == {ACME}
    assert entries[1].deed.details == {
        "key_id": key.key_id,
        "before": "read enrol",
        "may": "read",
    }
    assert entries[2].deed.details["may"] == "all"
    assert key.digest.hex() not in str(entries)


def test_what_does_not_come_about_is_written_down_with_its_error(storage: Storage) -> None:
    storage.keys.add(api_key("app"))
    with pytest.raises(InvalidParameter):
        storage.keys.add(api_key("app"))
    with pytest.raises(NotFound):
        storage.keys.revoke("nobody", at=NOW)
    assert told(storage) == [
        ("key_create", "app", "done"),
        ("key_create", "app", "invalid_parameter"),
        ("key_revoke", "", "not_found"),
    ]
    assert list(storage.journal.log.problems()) == []


def test_a_secret_in_place_of_a_name_is_not_written_down(storage: Storage) -> None:
    with_tenants(storage.keys)
    secret = "pk_a-live-key"
    for mistaken in (
        lambda: storage.keys.revoke(secret, at=NOW),
        lambda: storage.keys.permit(secret, lambda before: before),
        lambda: storage.keys.rotate(api_key(secret), retired_name=f"{secret} (old)"),
        lambda: storage.quotas.set(TenantId(secret), Quota.PEOPLE, 1),
        lambda: storage.tenants.erase(
            entry=replace(entry(operation=Processing.TENANT_DELETE), tenant_id=TenantId(secret))
        ),
    ):
        with pytest.raises(NotFound):
            mistaken()
    refused = [it for it in deeds(storage) if it.outcome == "not_found"]
    assert [it.deed for it in refused] == [
        Deed(Act.KEY_REVOKE),
        Deed(Act.KEY_PERMIT),
        Deed(Act.KEY_ROTATE),
        Deed(Act.QUOTA_SET),
        Deed(Act.TENANT_DELETE),
    ]
    assert secret not in str(list(storage.journal.log.entries()))


def test_a_change_that_cannot_be_written_down_does_not_come_about(storage: Storage) -> None:
    with storage.database.write() as connection:
        connection.execute(sa.text("DROP TABLE audit_head"))
    with pytest.raises((StorageUnavailable, sa.exc.ProgrammingError)):
        storage.keys.add(api_key("app"))
    assert storage.keys.all() == []


def test_news_are_written_once(storage: Storage) -> None:
    for details in ({"pack": "one"}, {"pack": "one"}, {"pack": "two"}, {"pack": "one"}):
        storage.journal.note_news(Deed(Act.KEY_PERMIT, details=details))
    assert [it.deed.details["pack"] for it in deeds(storage)] == ["one", "two", "one"]


def test_a_tenant_sees_its_own_and_the_installations_while_it_is_alone(storage: Storage) -> None:
    def seen(tenant: TenantId) -> list[str]:
        links = storage.journal.log.page(tenant, after=0, limit=100)
        return [link.entry.deed.target for link in links if link.entry.deed.act != Act.SCHEMA]

    storage.keys.add(api_key("mine"))
    storage.journal.note(Deed(Act.KEY_PERMIT, "of the installation"))
    assert seen(ACME) == ["mine", "of the installation"]
    storage.keys.add(api_key("theirs", tenant=OTHER))
    assert (seen(ACME), seen(OTHER)) == (["mine"], ["theirs"])


def test_pages_follow_one_another(log: SqlAuditLog) -> None:
    first = log.page(ACME, after=1, limit=4)
    second = log.page(ACME, after=first[-1].point.seq, limit=4, since=NOW)
    assert [link.point.seq for link in (*first, *second)] == [*range(2, 10)]
    assert log.page(ACME, after=1, limit=4, since=NOW + timedelta(seconds=1)) == []
    assert all(map(log.intact, first))


def test_a_receipt_notes_how_long_the_log_was(storage: Storage) -> None:
    with_tenants(storage.keys)
    made = reference()
    storage.references.add(made, entry=entry(token=made.record.user_token))
    noted = entry(operation=Processing.DELETE, token=made.record.user_token)
    receipt = storage.references.delete(made.record.user_token, entry=noted)
    claims = storage.receipts.signer.verify(receipt.jws)
    assert noted_in(claims, chain="audit") == storage.journal.log.head()
    assert storage.journal.log.head().seq == 3


def test_two_servers_write_one_log(url: str, tmp_path: Path) -> None:
    both = [open_at(url, tmp_path) for _ in range(2)]
    with_tenants(both[0].keys)

    def act(n: int) -> None:
        both[n % 2].keys.add(api_key(f"key {n}"))

    with ThreadPoolExecutor(8) as many:
        list(many.map(act, range(60)))
    assert both[0].journal.log.head().seq == 63
    assert list(both[1].journal.log.problems()) == []
    for storage in both:
        storage.close()


def test_what_is_done_outside_the_database_is_written_down_when_it_ended(
    storage: Storage,
) -> None:
    clock = FakeClock()
    journal: Journal = replace(storage.journal, now=clock).by(ALICE)
    with journal.recording(Deed(Act.KEY_PERMIT, "a file")):
        clock.pass_time(seconds=5)
    with pytest.raises(OSError, match="full"), journal.recording(Deed(Act.KEY_PERMIT, "b")):
        raise OSError("the disk is full")
    entries = deeds(storage)
    assert [(it.deed.target, it.outcome) for it in entries] == [
        ("a file", "done"),
        ("b", "internal_error"),
    ]
    assert (entries[0].at, entries[0].actor) == (clock.time, ALICE)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "done"),
        (KeyboardInterrupt(), "internal_error"),
        (StorageUnavailable("busy"), "storage_unavailable"),
        (TracesRemain("a reader"), "done"),
        (NotFound("gone"), "not_found"),
    ],
)
def test_an_act_of_many_transactions_is_written_down_before_and_however_it_ends(
    storage: Storage, error: BaseException | None, outcome: str
) -> None:
    def act() -> None:
        with storage.journal.undertaking(Deed(Act.PURGE, details={"days": "30"})) as counts:
            assert told(storage) == [("purge", "", "begun")]
            counts["destroyed"] += 2
            if error:
                raise error

    if error:
        with pytest.raises(type(error)):
            act()
    else:
        act()
    begun, ended = deeds(storage)
    assert begun.deed == Deed(Act.PURGE, details={"days": "30"})
    assert ended.deed == Deed(Act.PURGE, details={"days": "30", "destroyed": 2})
    assert ended.outcome == outcome


def test_a_rotation_of_tenant_keys_is_written_down_before_and_after(storage: Storage) -> None:
    with_tenants(storage.keys)
    made = reference()
    storage.references.add(made, entry=entry(token=made.record.user_token))
    rotate = RotateSecrets(storage.database, storage.master, None, storage.journal)
    rotate(renew_tenant_keys=True)
    rotations = [it for it in deeds(storage) if it.deed.act == Act.SECRETS_ROTATE]
    assert [(it.deed.target, it.outcome) for it in rotations] == [
        ("tenant keys", "begun"),
        ("master key", "done"),
        ("tenant keys", "done"),
    ]
    assert rotations[-1].deed.details == {"data_keys": 1}


def test_a_place_in_the_log_is_read_as_it_is_printed() -> None:
    point = ChainPoint(4711, bytes(range(32)))
    assert ChainPoint.parse(str(point)) == point
    with pytest.raises(InvalidParameter, match="audit verify"):
        ChainPoint.parse("nonsense")
