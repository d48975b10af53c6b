"""One suite for the fake, SQLite and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from perse.domain.consent import ConsentEntry, Processing
from perse.domain.receipts import DestructionEvent, token_sha256
from perse.domain.references import Modality, UserToken, new_user_token
from perse.domain.retries import RetryKey
from perse.domain.throttling import Guess, GuessPolicy
from perse.errors import InvalidParameter, RateLimited, ReferenceLocked, UserTokenNotFound
from perse.pipelines.reference_ports import (
    GuessLimiter,
    OldReferences,
    ReferenceList,
    ReferenceStore,
)
from tests.fakes.storage import FakeGuesses, FakeReferences
from tests.storage.conftest import open_at
from tests.storage.postgresql import Cluster
from tests.storage.samples import ACME, NOW, OTHER, entry, moved, reference, template, with_tenants

POLICY = GuessPolicy(free=3, lock_after=6)


@dataclass(frozen=True)
class Subject:
    """What is tested, by the ports it satisfies."""

    store: ReferenceStore
    users: ReferenceList
    guesses: GuessLimiter
    old: OldReferences

    def enrol(self, seed: int = 1, *, tenant: str = ACME, retry: RetryKey | None = None) -> str:
        made = reference(seed)
        noted = entry(type(ACME)(tenant), token=made.record.user_token)
        return self.store.add(made, entry=noted, retry=retry).user_token


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    if request.param == "memory":
        fake = FakeReferences(policy=POLICY)
        yield Subject(fake, fake, FakeGuesses(fake), fake)
        return
    url = f"sqlite:///{tmp_path / 'perse.db'}"
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("cluster")
        url = cluster.new_database()
    storage = open_at(url, tmp_path, POLICY)
    with_tenants(storage.keys)
    yield Subject(storage.references, storage.reference_list, storage.guesses, storage.tenants)
    storage.close()


def deletion(token: UserToken, tenant: str = ACME) -> ConsentEntry:
    return entry(type(ACME)(tenant), Processing.DELETE, token=token)


def test_what_was_enrolled_is_found(subject: Subject) -> None:
    made = reference(7)
    kept = subject.store.add(made, entry=entry(token=made.record.user_token))
    found = subject.store.find(ACME, kept.user_token)
    assert found.record == kept == made.record
    assert subject.store.record(ACME, kept.user_token) == made.record
    assert [face.record for face in subject.store.faces(ACME, kept.user_token)] == [kept]
    np.testing.assert_array_equal(found.template.vector, made.template.vector)


@pytest.mark.parametrize("values", [1, 128, 512, 2048])
def test_templates_of_any_length_come_back(subject: Subject, values: int) -> None:
    made = reference(3, values=values)
    subject.store.add(made, entry=entry())
    found = subject.store.find(ACME, made.record.user_token)
    np.testing.assert_array_equal(found.template.vector, made.template.vector)


def test_an_update_replaces_the_template_and_keeps_when_the_user_was_made(
    subject: Subject,
) -> None:
    token = UserToken(subject.enrol(1))
    later = NOW + timedelta(days=3)
    new = reference(2, token=token, at=later, model="other-net")
    kept = subject.store.replace(new, entry=entry(operation=Processing.UPDATE, token=token))
    found = subject.store.find(ACME, token)
    assert (kept.created_at, kept.updated_at, kept.model) == (NOW, later, "other-net")
    assert found.record == kept
    np.testing.assert_array_equal(found.template.vector, new.template.vector)
    assert list(subject.users.tokens(ACME)) == [token]


def test_a_deleted_user_is_unknown_everywhere_and_leaves_a_receipt(subject: Subject) -> None:
    token = UserToken(subject.enrol())
    receipt = subject.store.delete(token, entry=deletion(token))
    assert receipt.subject_sha256 == token_sha256(token)
    assert (receipt.tenant_id, receipt.event) == (ACME, DestructionEvent.DELETED)
    assert token not in receipt.jws
    assert list(subject.users.tokens(ACME)) == []
    for use in (
        lambda: subject.store.find(ACME, token),
        lambda: subject.store.faces(ACME, token),
        lambda: subject.store.record(ACME, token),
        lambda: subject.store.delete(token, entry=deletion(token)),
        lambda: subject.store.replace(reference(token=token), entry=entry()),
        lambda: subject.guesses.check(ACME, token, at=NOW),
        lambda: subject.guesses.record(ACME, token, Guess.of(Modality.FACE, matched=True), at=NOW),
        lambda: subject.guesses.record(ACME, token, Guess.of(Modality.FACE, matched=False), at=NOW),
    ):
        with pytest.raises(UserTokenNotFound):
            use()


def move_entry(token: UserToken, tenant: str = ACME) -> ConsentEntry:
    return entry(type(ACME)(tenant), Processing.MOVE, token=token)


def test_a_reference_moves_to_another_network(subject: Subject) -> None:
    token = UserToken(subject.enrol())
    subject.guesses.record(ACME, token, Guess.of(Modality.FACE, matched=False), at=NOW)
    before = subject.store.find(ACME, token)
    after = moved(before)
    assert subject.store.move(before, after, entry=move_entry(token))
    kept = subject.store.find(ACME, token)
    assert kept.record == after.record
    np.testing.assert_array_equal(kept.template.vector, after.template.vector)
    assert list(subject.users.tokens(ACME)) == [token]
    for _ in range(2):
        subject.guesses.record(ACME, token, Guess.of(Modality.FACE, matched=False), at=NOW)
    with pytest.raises(RateLimited):
        subject.guesses.check(ACME, token, at=NOW)


def test_only_the_reference_that_was_compared_moves(subject: Subject) -> None:
    token = UserToken(subject.enrol())
    before = subject.store.find(ACME, token)
    twin = replace(before, template=template(9))
    assert not subject.store.move(twin, moved(twin), entry=move_entry(token))
    assert subject.store.move(before, moved(before), entry=move_entry(token))
    assert not subject.store.move(before, moved(before, 3), entry=move_entry(token))
    newer = reference(4, token=token, at=NOW + timedelta(seconds=1))
    between = subject.store.find(ACME, token)
    subject.store.replace(newer, entry=entry(token=token))
    assert not subject.store.move(between, moved(between), entry=move_entry(token))
    assert subject.store.record(ACME, token).model == "net"
    with pytest.raises(UserTokenNotFound):
        subject.store.move(before, moved(before), entry=move_entry(token, OTHER))
    subject.store.delete(token, entry=deletion(token))
    with pytest.raises(UserTokenNotFound):
        subject.store.move(before, moved(before), entry=move_entry(token))


def test_of_many_moves_at_once_one_happens(subject: Subject) -> None:
    token = UserToken(subject.enrol())
    before = subject.store.find(ACME, token)

    def move(seed: int) -> bool:
        return subject.store.move(before, moved(before, seed), entry=move_entry(token))

    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(move, range(6)))
    assert sum(done) == 1
    kept = subject.store.find(ACME, token).template
    np.testing.assert_array_equal(kept.vector, moved(before, done.index(True)).template.vector)


def test_another_tenants_user_does_not_exist(subject: Subject) -> None:
    token = UserToken(subject.enrol())
    for use in (
        lambda: subject.store.find(OTHER, token),
        lambda: subject.store.faces(OTHER, token),
        lambda: subject.store.record(OTHER, token),
        lambda: subject.store.delete(token, entry=deletion(token, OTHER)),
        lambda: subject.store.replace(reference(token=token), entry=entry(OTHER)),
        lambda: subject.guesses.check(OTHER, token, at=NOW),
    ):
        with pytest.raises(UserTokenNotFound):
            use()
    assert len(subject.users.tokens(OTHER)) == subject.users.total(OTHER) == 0
    assert not len(subject.users.page(OTHER, after=token, limit=10))
    assert subject.store.find(ACME, token).record.user_token == token


def test_users_are_listed_oldest_first_and_in_pages(subject: Subject) -> None:
    tokens = [subject.enrol(n) for n in range(7)]
    subject.enrol(tenant=OTHER)
    assert list(subject.users.tokens(ACME)) == tokens
    assert subject.users.total(ACME) == 7
    first = list(subject.users.page(ACME, after=None, limit=3))
    second = list(subject.users.page(ACME, after=first[-1], limit=3))
    assert [*first, *second] == tokens[:6]
    assert not len(subject.users.page(ACME, after=new_user_token(), limit=3))


def test_the_list_follows_every_change(subject: Subject) -> None:
    expected: list[str] = []
    for n in range(40):
        if n % 3 == 2:
            gone = UserToken(expected.pop(n % len(expected)))
            subject.store.delete(gone, entry=deletion(gone))
        else:
            expected.append(subject.enrol(n))
        if n % 5 == 0:
            assert list(subject.users.tokens(ACME)) == expected
    assert list(subject.users.tokens(ACME)) == expected
    for token in expected:
        subject.store.delete(UserToken(token), entry=deletion(UserToken(token)))
    assert list(subject.users.tokens(ACME)) == []
    assert list(subject.users.tokens(ACME)) == []


def test_a_retried_request_makes_one_user(subject: Subject) -> None:
    retry = RetryKey.of("order-66", request=b"r" * 32)
    assert subject.store.made_by(ACME, retry) is None
    token = subject.enrol(retry=retry)
    assert subject.enrol(2, retry=retry) == token
    again = subject.store.made_by(ACME, retry)
    assert again is not None
    assert again.user_token == token
    assert list(subject.users.tokens(ACME)) == [token]


def test_a_retry_key_belongs_to_its_tenant_and_request(subject: Subject) -> None:
    retry = RetryKey.of("order-66", request=b"r" * 32)
    token = subject.enrol(retry=retry)
    assert subject.enrol(tenant=OTHER, retry=retry) != token
    other = RetryKey.of("order-66", request=b"s" * 32)
    with pytest.raises(InvalidParameter):
        subject.enrol(retry=other)
    assert list(subject.users.tokens(ACME)) == [token]


def test_a_late_retry_does_not_enrol_a_deleted_user_again(subject: Subject) -> None:
    retry = RetryKey.of("order-66", request=b"r" * 32)
    token = UserToken(subject.enrol(retry=retry))
    subject.store.delete(token, entry=deletion(token))
    with pytest.raises(UserTokenNotFound):
        subject.enrol(retry=retry)
    with pytest.raises(UserTokenNotFound):
        subject.store.made_by(ACME, retry)
    assert subject.old.forget_retries(before=NOW) == 0
    assert subject.old.forget_retries(before=NOW + timedelta(seconds=1)) == 1
    assert subject.enrol(retry=retry) != token


def fail(subject: Subject, token: UserToken, times: int) -> None:
    for _ in range(times):
        subject.guesses.record(ACME, token, Guess.of(Modality.FACE, matched=False), at=NOW)


def test_failures_in_a_row_block_and_a_match_ends_the_row(subject: Subject) -> None:
    token = UserToken(subject.enrol())
    fail(subject, token, 2)
    subject.guesses.record(ACME, token, Guess.of(Modality.FACE, matched=True), at=NOW)
    fail(subject, token, 2)
    subject.guesses.check(ACME, token, at=NOW)
    fail(subject, token, 1)
    with pytest.raises(RateLimited) as blocked:
        subject.guesses.check(ACME, token, at=NOW)
    assert blocked.value.retry_after_s == 30
    subject.guesses.check(ACME, token, at=NOW + timedelta(seconds=30))


@pytest.mark.parametrize("matched", [True, False])
def test_a_score_is_not_told_once_others_blocked_the_user(subject: Subject, matched: bool) -> None:
    token = UserToken(subject.enrol())
    fail(subject, token, 3)
    with pytest.raises(RateLimited):
        subject.guesses.record(ACME, token, Guess.of(Modality.FACE, matched=matched), at=NOW)


def test_too_many_failures_lock_until_an_update(subject: Subject) -> None:
    token = UserToken(subject.enrol())
    late = NOW
    for _ in range(POLICY.lock_after):
        late += timedelta(hours=2)
        subject.guesses.record(ACME, token, Guess.of(Modality.FACE, matched=False), at=late)
    late += timedelta(days=30)
    with pytest.raises(ReferenceLocked):
        subject.guesses.check(ACME, token, at=late)
    with pytest.raises(ReferenceLocked):
        subject.guesses.record(ACME, token, Guess.of(Modality.FACE, matched=True), at=late)
    subject.store.replace(reference(2, token=token), entry=entry(token=token))
    subject.guesses.check(ACME, token, at=late)


def test_only_references_older_than_the_limit_expire(subject: Subject) -> None:
    old, fresh = UserToken(subject.enrol(1)), UserToken(subject.enrol(2))
    later = NOW + timedelta(days=10)
    subject.store.replace(reference(3, token=fresh, at=later), entry=entry(token=fresh))
    assert subject.old.not_updated_since(NOW, limit=10) == []
    assert subject.old.not_updated_since(later, limit=10) == [(ACME, old)]
    assert len(subject.old.not_updated_since(later + timedelta(days=1), limit=1)) == 1
    with pytest.raises(UserTokenNotFound):
        subject.store.delete(fresh, entry=deletion(fresh), not_updated_since=later)
    event = DestructionEvent.EXPIRED
    receipt = subject.store.delete(old, entry=deletion(old), event=event, not_updated_since=later)
    assert receipt.event is event
    assert list(subject.users.tokens(ACME)) == [fresh]
