"""One suite for the fake, SQLite and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from perse.domain.access import TenantId
from perse.domain.consent import ConsentEntry, Processing
from perse.domain.receipts import DestructionEvent, token_sha256
from perse.domain.references import (
    BiometricReference,
    Modality,
    ReferenceRecord,
    SampleId,
    UserToken,
    new_user_token,
)
from perse.domain.retries import RetryKey
from perse.domain.subjects import (
    CollectionName,
    ExternalId,
    KeptSample,
    Subject,
    SubjectDetails,
    new_sample_id,
)
from perse.domain.throttling import Guess, GuessPolicy
from perse.errors import (
    AlreadyExists,
    ChangedMeanwhile,
    CollectionNotFound,
    InvalidParameter,
    RateLimited,
    SampleNotFound,
    UserTokenNotFound,
)
from perse.pipelines.reference_ports import GuessLimiter, ReferenceList, ReferenceStore
from perse.pipelines.subject_ports import (
    CollectionStore,
    OldSamples,
    SampleStore,
    SubjectStore,
)
from tests.fakes.storage import FakeGuesses, FakeReferences
from tests.fakes.subjects import FakeCollections, FakeSamples, FakeSubjects
from tests.storage.conftest import open_at
from tests.storage.postgresql import Cluster
from tests.storage.samples import ACME, NOW, OTHER, entry, moved, reference, with_tenants

POLICY = GuessPolicy(free=3, lock_after=6)
MOST = 3
STAFF, GUESTS = CollectionName("staff"), CollectionName("guests")
FACE, VOICE = Modality.FACE, Modality.VOICE


def details(external_id: str | None = None, *collections: CollectionName) -> SubjectDetails:
    named = None if external_id is None else ExternalId(external_id)
    return SubjectDetails(named, frozenset(collections))


def sample(
    token: UserToken, seed: int = 1, modality: Modality = FACE, *, minutes: int = 1
) -> BiometricReference:
    made = reference(seed, token=token, at=NOW + timedelta(minutes=minutes))
    return replace(made, record=replace(made.record, sample_id=new_sample_id(), modality=modality))


def noted(token: UserToken, tenant: TenantId = ACME) -> ConsentEntry:
    return entry(tenant, Processing.SUBJECT_CHANGE, token=token)


@dataclass(frozen=True)
class House:
    """What is tested, by the ports it satisfies."""

    subjects: SubjectStore
    samples: SampleStore
    old_samples: OldSamples
    collections: CollectionStore
    references: ReferenceStore
    users: ReferenceList
    guesses: GuessLimiter

    def make(
        self,
        known: SubjectDetails | None = None,
        *,
        tenant: TenantId = ACME,
        retry: RetryKey | None = None,
    ) -> UserToken:
        token = new_user_token()
        made = self.subjects.create(
            token, known or details(), entry=noted(token, tenant), retry=retry
        )
        return made.user_token

    def enrol(self, seed: int = 1) -> UserToken:
        made = reference(seed)
        token = made.record.user_token
        return self.references.add(made, entry=entry(token=token)).user_token

    def add(
        self, made: BiometricReference, *, tenant: TenantId = ACME, retry: RetryKey | None = None
    ) -> KeptSample:
        token = made.record.user_token
        return self.samples.add_sample(made, entry=noted(token, tenant), most=MOST, retry=retry)

    def put(self, name: CollectionName, tenant: TenantId = ACME) -> bool:
        _, is_new = self.collections.put(name, entry=entry(tenant))
        return is_new

    def get(self, token: UserToken) -> Subject:
        return self.subjects.get(ACME, token)

    def names(self, token: UserToken, modality: Modality = FACE) -> list[SampleId]:
        return [it.name for it in self.samples.records(ACME, token, modality)]

    def pages(self, size: int, collection: CollectionName | None = None) -> list[list[UserToken]]:
        pages, place = list[list[UserToken]](), None
        while found := self.subjects.page(ACME, after=place, limit=size, collection=collection):
            pages.append([it.user_token for it in found])
            place = found[-1].place
        return pages


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    if request.param == "memory":
        users = FakeReferences(policy=POLICY)
        collections = FakeCollections(users)
        yield House(
            FakeSubjects(users, collections),
            FakeSamples(users, collections),
            FakeSamples(users),
            collections,
            users,
            users,
            FakeGuesses(users),
        )
        return
    url = f"sqlite:///{tmp_path / 'perse.db'}"
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("cluster")
        url = cluster.new_database()
    storage = open_at(url, tmp_path, POLICY)
    with_tenants(storage.keys)
    yield House(
        storage.subjects,
        storage.samples,
        storage.samples,
        storage.collections,
        storage.references,
        storage.reference_list,
        storage.guesses,
    )
    storage.close()


# --- subjects ------------------------------------------------------------------------------------


def test_a_subject_is_found_as_it_was_made(house: House) -> None:
    house.put(STAFF)
    token = house.make(details("a-1", STAFF))
    made = house.get(token)
    assert made == Subject(token, ExternalId("a-1"), frozenset({STAFF}), 0, 0, 1, NOW, NOW)
    assert house.subjects.with_external_id(ACME, ExternalId("a-1")) == made
    assert house.subjects.page(ACME, after=None, limit=9) == [made]


def test_a_change_replaces_the_details_and_counts(house: House) -> None:
    house.put(STAFF)
    house.put(GUESTS)
    token = house.make(details("a-1", STAFF))
    changed = house.subjects.change(token, details("a-2", GUESTS), entry=noted(token))
    assert changed == house.get(token)
    assert (changed.external_id, changed.collections) == ("a-2", frozenset({GUESTS}))
    assert (changed.version, changed.created_at, changed.updated_at) == (2, NOW, NOW)
    bare = house.subjects.change(token, details(), entry=noted(token), if_version=2)
    assert (bare.external_id, bare.collections, bare.version) == (None, frozenset(), 3)
    with pytest.raises(UserTokenNotFound):
        house.subjects.with_external_id(ACME, ExternalId("a-1"))


@pytest.mark.parametrize("version", [0, 1, 3])
def test_another_version_is_neither_changed_nor_removed(house: House, version: int) -> None:
    token = house.make()
    before = house.subjects.change(token, details("a-1"), entry=noted(token))
    with pytest.raises(ChangedMeanwhile):
        house.subjects.change(token, details("b"), entry=noted(token), if_version=version)
    with pytest.raises(ChangedMeanwhile):
        house.subjects.remove(token, entry=noted(token), if_version=version)
    assert house.get(token) == before
    house.subjects.remove(token, entry=noted(token), if_version=2)
    with pytest.raises(UserTokenNotFound):
        house.get(token)


def test_an_external_id_is_one_subjects_alone(house: House) -> None:
    one, two = house.make(details("a-1")), house.make()
    with pytest.raises(AlreadyExists):
        house.make(details("a-1"))
    with pytest.raises(AlreadyExists):
        house.subjects.change(two, details("a-1"), entry=noted(two))
    house.subjects.change(one, details("a-1"), entry=noted(one))
    assert house.make(details("a-1"), tenant=OTHER)
    assert house.users.total(ACME) == 2
    house.subjects.remove(one, entry=noted(one))
    house.subjects.change(two, details("a-1"), entry=noted(two))


def test_of_many_who_make_the_same_external_id_one_does(house: House) -> None:
    def make(_: int) -> bool:
        try:
            house.make(details("a-1"))
        except AlreadyExists:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(make, range(6))) == 1
    assert house.users.total(ACME) == 1


def test_of_many_who_change_a_version_one_does(house: House) -> None:
    token = house.make()

    def change(number: int) -> bool:
        try:
            house.subjects.change(token, details(f"a-{number}"), entry=noted(token), if_version=1)
        except ChangedMeanwhile:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(change, range(6)))
    assert sum(done) == 1
    assert house.get(token).external_id == f"a-{done.index(True)}"


def test_pages_have_everybody_once(house: House) -> None:
    house.put(STAFF)
    made = {house.make(details(None, STAFF) if n % 2 else None): n % 2 for n in range(5)}
    tokens = sorted(made)  # of one instant
    house.make(tenant=OTHER)
    assert house.pages(2) == [tokens[:2], tokens[2:4], tokens[4:]]
    assert house.pages(1, STAFF) == [[it] for it in tokens if made[it]]
    assert house.pages(9) == [tokens]


def test_a_page_begins_where_a_removed_subject_was(house: House) -> None:
    tokens = []
    for n in range(4):
        token = new_user_token()
        at = NOW + timedelta(seconds=n)
        house.subjects.create(token, details(), entry=replace(noted(token), at=at))
        tokens.append(token)
    places = [house.get(token).place for token in tokens]
    house.subjects.remove(tokens[1], entry=noted(tokens[1]))
    house.subjects.remove(tokens[2], entry=noted(tokens[2]))
    behind = [house.subjects.page(ACME, after=place, limit=9) for place in places[1:3]]
    assert [[it.user_token for it in page] for page in behind] == [[tokens[3]]] * 2


def test_who_was_made_in_the_instant_of_a_removed_subject_is_seen_once(house: House) -> None:
    tokens = sorted(house.make() for _ in range(6))
    place = house.get(tokens[2]).place
    house.subjects.remove(tokens[2], entry=noted(tokens[2]))
    house.subjects.remove(tokens[4], entry=noted(tokens[4]))
    behind = house.subjects.page(ACME, after=place, limit=9)
    assert [it.user_token for it in behind] == [tokens[3], tokens[5]]


def test_a_retried_request_makes_one_subject(house: House) -> None:
    retry = RetryKey.of("order-66", request=b"r" * 32)
    token = house.make(retry=retry)
    assert house.make(retry=retry) == token
    assert house.make(tenant=OTHER, retry=retry) != token
    with pytest.raises(InvalidParameter):
        house.make(retry=RetryKey.of("order-66", request=b"s" * 32))
    house.subjects.remove(token, entry=noted(token))
    with pytest.raises(UserTokenNotFound):
        house.make(retry=retry)


def test_a_removed_subject_is_unknown_everywhere_and_leaves_a_receipt(house: House) -> None:
    house.put(STAFF)
    token = house.make(details("a-1", STAFF))
    house.add(sample(token, 1))
    house.add(sample(token, 2, VOICE))
    receipt = house.subjects.remove(token, entry=noted(token))
    assert (receipt.event, receipt.subject_sha256) == (
        DestructionEvent.DELETED,
        token_sha256(token),
    )
    assert '"templates": 2' in receipt.jws
    assert token not in receipt.jws
    assert house.collections.get(ACME, STAFF).subjects == 0
    assert house.users.total(ACME) == 0
    for use in uses_of(house, token, ACME):
        with pytest.raises(UserTokenNotFound):
            use()


def test_another_tenants_subject_does_not_exist(house: House) -> None:
    token = house.make(details("a-1"))
    kept = house.add(sample(token)).record
    before = house.get(token)
    asked = uses_of(house, token, OTHER)
    asked.append(lambda: house.samples.remove_sample(token, kept.name, entry=noted(token, OTHER)))
    for use in asked:
        with pytest.raises(UserTokenNotFound):
            use()
    assert house.subjects.page(OTHER, after=None, limit=9) == []
    assert house.subjects.page(OTHER, after=before.place, limit=9) == []
    assert house.get(token) == before


def uses_of(house: House, token: UserToken, tenant: TenantId) -> list[Callable[[], object]]:
    note = noted(token, tenant)
    retry = RetryKey.of("order-67", request=b"r" * 32)
    return [
        lambda: house.subjects.get(tenant, token),
        lambda: house.subjects.with_external_id(tenant, ExternalId("a-1")),
        lambda: house.subjects.change(token, details(), entry=note),
        lambda: house.subjects.change(token, details(), entry=note, if_version=1),
        lambda: house.subjects.remove(token, entry=note),
        lambda: house.add(sample(token, 2), tenant=tenant),
        lambda: house.add(sample(token, 2), tenant=tenant, retry=retry),
        lambda: house.samples.remove_sample(token, SampleId(token), entry=note),
        lambda: house.samples.records(tenant, token, FACE),
        lambda: house.samples.references(tenant, token),
        lambda: house.references.find(tenant, token),
        lambda: house.guesses.check(tenant, token, at=NOW),
    ]


# --- samples -------------------------------------------------------------------------------------


def test_samples_of_both_kinds_are_kept_in_their_order(house: House) -> None:
    token = house.make()
    made = [sample(token, n, VOICE if n % 2 else FACE, minutes=n + 1) for n in range(4)]
    kept = [house.add(it) for it in made]
    assert [it.record for it in kept] == [it.record for it in made]
    assert all(it.displaced is None for it in kept)
    found = house.samples.references(ACME, token)
    assert [it.record for it in found] == [it.record for it in made]
    for one, other in zip(found, made, strict=True):
        np.testing.assert_array_equal(one.template.vector, other.template.vector)
    assert house.names(token) == [made[0].record.name, made[2].record.name]
    assert house.names(token, VOICE) == [made[1].record.name, made[3].record.name]
    subject = house.get(token)
    assert (subject.faces, subject.voices, subject.version) == (2, 2, 5)
    assert subject.updated_at == made[-1].record.updated_at
    assert subject.created_at == NOW


def test_a_subject_is_made_with_a_first_sample_or_not_at_all(house: House) -> None:
    house.put(STAFF)
    made = sample(new_user_token(), minutes=3)
    token = made.record.user_token
    known, retry = details("a-1", STAFF), RetryKey.of("order-67", request=b"r" * 32)
    first = replace(noted(token), operation=Processing.SUBJECT_CREATE)
    add = partial(house.samples.add_first, created=first, entry=noted(token))
    assert add(made, known, retry=retry) == made.record
    subject = house.get(token)
    assert (str(subject.external_id), set(subject.collections)) == ("a-1", {STAFF})
    assert (subject.faces, subject.version, subject.created_at) == (1, 1, NOW)
    assert house.names(token) == [made.record.name]
    assert house.samples.sample_made_by(ACME, token, retry) == made.record
    other = sample(new_user_token())
    token = other.record.user_token
    for refused, error in ((known, AlreadyExists), (details(None, GUESTS), CollectionNotFound)):
        with pytest.raises(error):
            add(other, refused)
        with pytest.raises(UserTokenNotFound):
            house.get(token)


def test_a_subject_without_samples_has_none(house: House) -> None:
    token = house.make()
    assert house.samples.references(ACME, token) == []
    assert house.names(token) == house.names(token, VOICE) == []


def test_the_oldest_of_a_kind_gives_way(house: House) -> None:
    token = house.make()
    voice = sample(token, 9, VOICE)
    house.add(voice)
    made = [sample(token, n, minutes=n) for n in range(MOST + 1)]
    kept = [house.add(it) for it in made]
    assert [it.displaced is None for it in kept] == [True] * MOST + [False]
    receipt = kept[-1].displaced
    assert receipt is not None
    assert receipt.event is DestructionEvent.SAMPLE_DELETED
    assert token_sha256(made[0].record.name) in receipt.jws
    assert house.names(token) == [it.record.name for it in made[1:]]
    assert house.names(token, VOICE) == [voice.record.name]


def test_where_fewer_may_be_kept_than_there_are_the_newest_are(house: House) -> None:
    token = house.make()
    made = [sample(token, n) for n in range(4)]
    for it in made[:3]:
        house.add(it)
    kept = house.samples.add_sample(made[3], entry=noted(token), most=2)
    assert kept.displaced is not None
    assert '"templates": 2' in kept.displaced.jws
    assert all(token_sha256(it.record.name) in kept.displaced.jws for it in made[:2])
    assert token_sha256(made[2].record.name) not in kept.displaced.jws
    assert house.names(token) == [made[2].record.name, made[3].record.name]


def test_a_removed_sample_leaves_a_receipt_and_the_others(house: House) -> None:
    token = house.make()
    made = [sample(token, n) for n in range(3)]
    for it in made:
        house.add(it)
    name = made[1].record.name
    receipt = house.samples.remove_sample(token, name, entry=noted(token))
    assert (receipt.event, receipt.subject_sha256) == (
        DestructionEvent.SAMPLE_DELETED,
        token_sha256(token),
    )
    assert token_sha256(name) in receipt.jws
    assert name not in receipt.jws
    assert house.names(token) == [made[0].record.name, made[2].record.name]
    assert house.get(token).version == 5
    for gone in (name, new_sample_id()):
        with pytest.raises(SampleNotFound):
            house.samples.remove_sample(token, gone, entry=noted(token))


def test_old_samples_of_a_subject_with_newer_ones_are_told_and_can_be_destroyed(
    house: House,
) -> None:
    token, later = house.make(), NOW + timedelta(days=3)
    old, newer = sample(token, 1, minutes=0), sample(token, 2)
    newer = replace(newer, record=replace(newer.record, created_at=later, updated_at=later))
    house.add(old)
    assert house.old_samples.not_captured_since(later, limit=9) == []  # the subject is old, too
    house.add(newer)
    assert house.old_samples.not_captured_since(NOW, limit=9) == []
    told = house.old_samples.not_captured_since(later, limit=9)
    assert told == [(ACME, token, old.record.name)]
    with pytest.raises(SampleNotFound):
        house.samples.remove_sample(
            token, newer.record.name, entry=noted(token), not_captured_since=later
        )
    receipt = house.samples.remove_sample(
        token,
        old.record.name,
        entry=noted(token),
        event=DestructionEvent.EXPIRED,
        not_captured_since=later,
    )
    assert receipt.event is DestructionEvent.EXPIRED
    assert house.names(token) == [newer.record.name]


def test_another_subjects_sample_is_not_this_ones(house: House) -> None:
    one, two = house.make(), house.make()
    name = house.add(sample(one)).record.name
    with pytest.raises(SampleNotFound):
        house.samples.remove_sample(two, name, entry=noted(two))
    assert house.names(one) == [name]


def test_a_retried_request_adds_one_sample(house: House) -> None:
    retry = RetryKey.of("order-66", request=b"r" * 32)
    one, two = house.make(), house.make()
    assert house.samples.sample_made_by(ACME, one, retry) is None
    first = house.add(sample(one, 1), retry=retry)
    assert house.add(sample(one, 2), retry=retry) == first
    assert house.samples.sample_made_by(ACME, one, retry) == first.record
    assert house.names(one) == [first.record.name]
    with pytest.raises(InvalidParameter):
        house.add(sample(two, 1), retry=retry)
    with pytest.raises(InvalidParameter):
        house.samples.sample_made_by(ACME, one, RetryKey.of("order-66", request=b"s" * 32))
    assert house.names(two) == []


def test_a_late_retry_does_not_add_a_removed_sample_again(house: House) -> None:
    retry = RetryKey.of("order-66", request=b"r" * 32)
    token = house.make()
    kept = house.add(sample(token), retry=retry).record
    house.samples.remove_sample(token, kept.name, entry=noted(token))
    with pytest.raises(SampleNotFound):
        house.samples.sample_made_by(ACME, token, retry)
    with pytest.raises(SampleNotFound):
        house.add(sample(token, 2), retry=retry)
    assert house.names(token) == []


def test_a_lasting_key_stands_for_its_sample_whoever_makes_the_person(house: House) -> None:
    retry = RetryKey.of_item("people/ann.jpg", secret=b"s" * 32)
    made, other = sample(new_user_token(), 1), sample(new_user_token(), 2)

    def add(it: BiometricReference) -> ReferenceRecord:
        token = it.record.user_token
        first = replace(noted(token), operation=Processing.SUBJECT_CREATE)
        return house.samples.add_first(
            it, details("ann"), created=first, entry=noted(token), retry=retry
        )

    assert add(made) == add(other) == made.record
    token = made.record.user_token
    assert house.add(sample(token, 3), retry=retry).record == made.record
    house.samples.remove_sample(token, made.record.name, entry=noted(token))
    for again in (lambda: add(other), lambda: house.add(sample(token, 4), retry=retry)):
        with pytest.raises(SampleNotFound):
            again()
    with pytest.raises(UserTokenNotFound):
        house.get(other.record.user_token)


def test_failed_comparisons_stay_counted_when_a_sample_is_added(house: House) -> None:
    token = house.make()
    for _ in range(POLICY.free):
        house.guesses.record(ACME, token, Guess.of(Modality.FACE, matched=False), at=NOW)
    house.add(sample(token))
    with pytest.raises(RateLimited):
        house.guesses.check(ACME, token, at=NOW)


# --- one person, two views -----------------------------------------------------------------------


def test_a_user_of_v0_is_a_subject_with_one_face(house: House) -> None:
    token = house.enrol()
    subject = house.get(token)
    assert (subject.faces, subject.voices, subject.version) == (1, 0, 1)
    (kept,) = house.samples.references(ACME, token)
    assert kept.record == house.references.record(ACME, token)
    assert house.names(token) == [SampleId(token)]
    assert house.pages(9) == [[token]]


def test_v0_knows_the_newest_face(house: House) -> None:
    token = house.enrol()
    house.add(sample(token, 8, VOICE))
    newest = house.add(sample(token, 2)).record
    assert house.references.find(ACME, token).record.name == newest.name
    house.samples.remove_sample(token, newest.name, entry=noted(token))
    assert house.references.find(ACME, token).record.name == SampleId(token)


def test_an_update_of_v0_replaces_all_faces_and_no_voice(house: House) -> None:
    token = house.enrol()
    house.add(sample(token, 2))
    voice = house.add(sample(token, 8, VOICE)).record
    house.references.replace(reference(3, token=token), entry=entry(token=token))
    assert house.names(token) == [SampleId(token)]
    assert house.names(token, VOICE) == [voice.name]


def test_every_subject_is_a_user_and_one_without_a_face_has_no_reference(house: House) -> None:
    token = house.make()
    house.add(sample(token, 8, VOICE))
    assert list(house.users.tokens(ACME)) == [token]
    for use in (house.references.find, house.references.record):
        with pytest.raises(UserTokenNotFound):
            use(ACME, token)
    house.references.delete(token, entry=noted(token))
    with pytest.raises(UserTokenNotFound):
        house.get(token)


def test_a_moved_face_is_the_same_sample(house: House) -> None:
    token = house.make()
    house.add(sample(token, 1))
    name = house.add(sample(token, 2)).record.name
    before = house.references.find(ACME, token)
    assert house.references.move(before, moved(before), entry=noted(token))
    models = [it.record.model for it in house.samples.references(ACME, token)]
    assert models == ["net", "new-net"]
    assert house.names(token)[1] == name


# --- collections ---------------------------------------------------------------------------------


def test_a_collection_counts_its_subjects(house: House) -> None:
    assert house.put(STAFF)
    assert not house.put(STAFF)
    assert house.put(GUESTS)
    one = house.make(details(None, STAFF, GUESTS))
    house.make(details(None, STAFF))
    known = {it.name: it.subjects for it in house.collections.all(ACME)}
    assert list(known) == [GUESTS, STAFF]
    assert known == {GUESTS: 1, STAFF: 2}
    house.subjects.remove(one, entry=noted(one))
    assert house.collections.get(ACME, STAFF).subjects == 1
    assert house.collections.get(ACME, STAFF).created_at == NOW


def test_the_subjects_of_a_removed_collection_stay(house: House) -> None:
    house.put(STAFF)
    token = house.make(details("a-1", STAFF))
    house.collections.remove(STAFF, entry=entry())
    subject = house.get(token)
    assert (subject.collections, subject.external_id, subject.version) == (frozenset(), "a-1", 2)
    house.put(STAFF)
    assert house.pages(9, STAFF) == []


def test_a_collection_that_is_not_there(house: House) -> None:
    house.put(STAFF, OTHER)
    token = house.make()
    for use in (
        lambda: house.make(details(None, STAFF)),
        lambda: house.subjects.change(token, details(None, STAFF), entry=noted(token)),
        lambda: house.subjects.page(ACME, after=None, limit=9, collection=STAFF),
        lambda: house.collections.get(ACME, STAFF),
        lambda: house.collections.remove(STAFF, entry=entry()),
    ):
        with pytest.raises(CollectionNotFound):
            use()
    assert house.get(token).version == 1
    assert house.collections.all(ACME) == []
    assert house.users.total(ACME) == 1
