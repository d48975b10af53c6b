"""One suite for the fake feed, SQLite and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest

from perse.domain.access import TenantId
from perse.domain.consent import Processing
from perse.domain.references import Modality, UserToken, new_user_token
from perse.domain.subjects import CollectionName, ExternalId, SubjectDetails, new_sample_id
from perse.domain.token_ranges import TokenRange
from perse.pipelines.subject_ports import SubjectFeed
from tests.fakes.subject_feed import FakeFeed
from tests.storage.conftest import open_at
from tests.storage.postgresql import Cluster
from tests.storage.samples import ACME, OTHER, entry, reference, template, with_tenants

KEPT = 1000
STAFF = CollectionName("staff")


class Enrol(Protocol):
    def __call__(
        self, seed: int, tenant: TenantId, modality: Modality = Modality.FACE
    ) -> UserToken: ...


@dataclass(frozen=True)
class Fed:
    """A feed, and how it comes to know of people."""

    feed: SubjectFeed
    enrol: Enrol
    remove: Callable[[UserToken], None]


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def fed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fed]:
    if request.param == "memory":
        fake = FakeFeed(kept=KEPT)

        def put(seed: int, tenant: TenantId, modality: Modality = Modality.FACE) -> UserToken:
            return fake.put(template(seed), tenant=tenant, modality=modality)

        yield Fed(fake, put, fake.remove)
        return
    url = f"sqlite:///{tmp_path / 'perse.db'}"
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("cluster")
        url = cluster.new_database()
    with open_at(url, tmp_path) as storage:
        with_tenants(storage.keys)

        def enrol(seed: int, tenant: TenantId, modality: Modality = Modality.FACE) -> UserToken:
            made = reference(seed)
            token = made.record.user_token
            noted = entry(tenant, token=token)
            if modality is Modality.FACE:
                storage.references.add(made, entry=noted)
            else:
                storage.subjects.create(token, SubjectDetails(), entry=noted)
                record = replace(made.record, modality=modality, sample_id=new_sample_id())
                storage.samples.add_sample(replace(made, record=record), entry=noted, most=20)
            return token

        def remove(token: UserToken) -> None:
            noted = entry(ACME, Processing.DELETE, token=token)
            storage.references.delete(token, entry=noted)

        yield Fed(storage.subject_feed, enrol, remove)


def test_everybody_is_read_once_page_by_page_in_the_order_of_their_making(fed: Fed) -> None:
    tokens = [fed.enrol(seed, ACME) for seed in range(5)]
    fed.enrol(9, OTHER)
    read, position = list[UserToken](), 0
    while page := fed.feed.read_after(ACME, position, limit=2):
        read += [it.user_token for it in page]
        position = page[-1].position
    assert read == tokens
    assert fed.feed.total(ACME) == 5


def test_each_modality_is_read_by_itself(fed: Fed) -> None:
    face, voice = fed.enrol(1, ACME), fed.enrol(2, ACME, modality=Modality.VOICE)
    for modality, token, other in ((Modality.FACE, face, voice), (Modality.VOICE, voice, face)):
        (read,) = fed.feed.read_after(ACME, 0, limit=10, modality=modality)
        assert read.user_token == token
        assert [it.record.modality for it in read.references] == [modality]
        assert fed.feed.total(ACME, modality) == 1
        both = fed.feed.read(ACME, [face, voice], modality)
        known = {it.user_token: it.references for it in both}
        assert [len(known[it]) for it in (token, other)] == [1, 0]
    assert fed.feed.total(ACME) == len(fed.feed.read_after(ACME, 0, limit=10)) == 2


def test_whoever_is_asked_for_is_read_as_they_are(fed: Fed) -> None:
    ann, theirs = fed.enrol(1, ACME), fed.enrol(2, OTHER)
    (read,) = fed.feed.read(ACME, [ann, theirs, new_user_token()])
    assert read.user_token == ann
    (sample,) = read.references
    assert np.array_equal(sample.template.vector, template(1).vector)
    assert fed.feed.read(ACME, []) == []


def test_every_change_raises_the_revision_and_is_told(fed: Fed) -> None:
    start = fed.feed.revision(ACME)
    ann, bob = fed.enrol(1, ACME), fed.enrol(2, ACME)
    between = fed.feed.revision(ACME)
    fed.remove(ann)
    assert start < between < fed.feed.revision(ACME)
    assert fed.feed.changes(ACME, since=start).user_tokens == frozenset({ann, bob})
    changed = fed.feed.changes(ACME, since=between)
    assert (changed.user_tokens, changed.revision) == (frozenset({ann}), fed.feed.revision(ACME))
    assert fed.feed.changes(ACME, since=changed.revision).user_tokens == frozenset()


def test_another_tenants_changes_are_not_ones_own(fed: Fed) -> None:
    fed.enrol(1, ACME)
    before = fed.feed.revision(ACME)
    theirs = fed.enrol(2, OTHER)
    assert fed.feed.revision(ACME) == before
    assert fed.feed.changes(ACME, since=0).user_tokens != frozenset({theirs})
    assert fed.feed.revisions()[OTHER] == fed.feed.revision(OTHER)


def test_what_goes_further_back_than_is_known_is_everything(fed: Fed) -> None:
    fed.enrol(1, ACME)
    assert fed.feed.changes(ACME, since=fed.feed.revision(ACME) + 1).user_tokens is None


def test_a_tenant_that_is_not_there_has_nobody(fed: Fed) -> None:
    nobody = TenantId("nobody")
    assert (fed.feed.revision(nobody), fed.feed.total(nobody)) == (0, 0)
    assert fed.feed.read_after(nobody, 0, limit=10) == []
    assert nobody not in fed.feed.revisions()


def test_the_end_of_a_collection_is_one_change_however_many_are_in_it(
    url: str, tmp_path: Path
) -> None:
    with open_at(url, tmp_path) as storage:
        with_tenants(storage.keys)
        storage.collections.put(STAFF, entry=entry())
        for _ in range(3):
            storage.subjects.create(
                token := new_user_token(),
                SubjectDetails(None, frozenset({STAFF})),
                entry=entry(token=token),
            )
        before = storage.subject_feed.revision(ACME)
        users = list(storage.reference_list.tokens(ACME))
        storage.collections.remove(STAFF, entry=entry())
        changed = storage.subject_feed.changes(ACME, since=before)
        assert (changed.revision, changed.user_tokens) == (before + 1, frozenset())
        assert changed.collections == {STAFF}
        assert storage.subjects.get(ACME, token).version == 2
        assert list(storage.reference_list.tokens(ACME)) == users


def test_collections_and_the_clients_own_name_are_read_too(url: str, tmp_path: Path) -> None:
    with open_at(url, tmp_path) as storage:
        with_tenants(storage.keys)
        storage.collections.put(STAFF, entry=entry())
        token = new_user_token()
        details = SubjectDetails(ExternalId("account 7"), frozenset([STAFF]))
        storage.subjects.create(token, details, entry=entry(token=token))
        (read,) = storage.subject_feed.read(ACME, [token])
    assert read.external_id == "account 7"
    assert list(read.collections) == [STAFF]
    assert read.references == []


def test_parts_of_a_feed_tell_everybody_once_with_their_changes(fed: Fed) -> None:
    tokens = {fed.enrol(seed, ACME) for seed in range(12)}
    fed.enrol(99, OTHER)
    start = fed.feed.revision(ACME)
    gone = min(tokens)
    fed.remove(gone)
    parts = [fed.feed.within(TokenRange(it, 3)) for it in range(3)]  # type: ignore[attr-defined]
    read = [[it.user_token for it in part.read_after(ACME, 0, limit=100)] for part in parts]
    assert sorted(it for part in read for it in part) == sorted(tokens - {gone})
    assert [part.total(ACME) for part in parts] == [len(it) for it in read]
    assert [part.total(ACME, Modality.VOICE) for part in parts] == [0, 0, 0]
    changed = [part.changes(ACME, since=start) for part in parts]
    assert [it.revision for it in changed] == [fed.feed.revision(ACME)] * 3
    assert [it for part in changed for it in part.user_tokens or ()] == [gone]
    assert [len(part.read(ACME, tokens)) for part in parts] == [len(it) for it in read]
