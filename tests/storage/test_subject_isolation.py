"""No sequence of calls with subjects, samples and collections of one tenant tells or changes
anything of another's."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from perse.domain.access import TenantId
from perse.domain.references import (
    BiometricReference,
    Modality,
    SampleId,
    UserToken,
    new_user_token,
)
from perse.domain.subjects import (
    CollectionName,
    ExternalId,
    Subject,
    SubjectDetails,
    new_sample_id,
)
from perse.errors import AlreadyExists, CollectionNotFound, SampleNotFound, UserTokenNotFound
from perse.storage.storage import Storage
from tests.storage.conftest import open_at
from tests.storage.samples import ACME, NOW, OTHER, entry, reference, with_tenants

TENANTS = st.sampled_from([ACME, OTHER])
NAMES = st.sampled_from([CollectionName("staff"), CollectionName("guests")])
EXTERNAL_IDS = st.sampled_from([None, ExternalId("a-1"), ExternalId("a-2")])
MODALITIES = st.sampled_from(Modality)
MOST = 2


def sample(token: UserToken, seed: int, modality: Modality = Modality.FACE) -> BiometricReference:
    made = reference(seed, token=token, values=16)
    return replace(made, record=replace(made.record, sample_id=new_sample_id(), modality=modality))


@dataclass
class Known:
    """What a tenant has, as the model keeps book."""

    subjects: dict[UserToken, SubjectDetails] = field(default_factory=dict)
    samples: dict[UserToken, list[BiometricReference]] = field(default_factory=dict)
    collections: set[CollectionName] = field(default_factory=set)

    def takes(self, details: SubjectDetails, token: UserToken | None = None) -> bool:
        others = {it.external_id for other, it in self.subjects.items() if other != token}
        named = details.external_id is not None and details.external_id in others
        return not named and details.collections <= self.collections


class TwoTenantsOfSubjects(RuleBasedStateMachine):
    """A model of what each tenant holds, beside a real store."""

    tokens: Bundle[UserToken] = Bundle("tokens")
    names: Bundle[tuple[UserToken, SampleId]] = Bundle("names")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        folder = Path(self.folder.name)
        self.storage = open_at(f"sqlite:///{folder / 'perse.db'}", folder)
        with_tenants(self.storage.keys)
        self.known = {ACME: Known(), OTHER: Known()}

    def teardown(self) -> None:
        self.storage.close()
        self.folder.cleanup()

    @rule(target=tokens, tenant=TENANTS, name=EXTERNAL_IDS, within=st.sets(NAMES))
    def make(
        self, tenant: TenantId, name: ExternalId | None, within: set[CollectionName]
    ) -> UserToken:
        token, details = new_user_token(), SubjectDetails(name, frozenset(within))
        note = entry(tenant, token=token)
        try:
            self.storage.subjects.create(token, details, entry=note)
        except (AlreadyExists, CollectionNotFound):
            assert not self.known[tenant].takes(details)
        else:
            assert self.known[tenant].takes(details)
            self.known[tenant].subjects[token] = details
            self.known[tenant].samples[token] = []
        return token

    @rule(target=tokens, tenant=TENANTS, seed=st.integers(0, 50))
    def enrol(self, tenant: TenantId, seed: int) -> UserToken:
        made = reference(seed, values=16)
        token = made.record.user_token
        self.storage.references.add(made, entry=entry(tenant, token=token))
        self.known[tenant].subjects[token] = SubjectDetails()
        self.known[tenant].samples[token] = [made]
        return token

    @rule(tenant=TENANTS, token=tokens, name=EXTERNAL_IDS, within=st.sets(NAMES))
    def change(
        self,
        tenant: TenantId,
        token: UserToken,
        name: ExternalId | None,
        within: set[CollectionName],
    ) -> None:
        known, details = self.known[tenant], SubjectDetails(name, frozenset(within))
        try:
            self.storage.subjects.change(token, details, entry=entry(tenant, token=token))
        except UserTokenNotFound:
            assert token not in known.subjects
        except (AlreadyExists, CollectionNotFound):
            assert not known.takes(details, token)
        else:
            assert known.takes(details, token)
            known.subjects[token] = details

    @rule(tenant=TENANTS, token=tokens)
    def remove(self, tenant: TenantId, token: UserToken) -> None:
        try:
            receipt = self.storage.subjects.remove(token, entry=entry(tenant, token=token))
        except UserTokenNotFound:
            assert token not in self.known[tenant].subjects
        else:
            assert receipt.tenant_id == tenant
            del self.known[tenant].subjects[token], self.known[tenant].samples[token]

    @rule(target=names, tenant=TENANTS, token=tokens, seed=st.integers(0, 50), modality=MODALITIES)
    def add(
        self, tenant: TenantId, token: UserToken, seed: int, modality: Modality
    ) -> tuple[UserToken, SampleId]:
        made = sample(token, seed, modality)
        try:
            self.storage.samples.add_sample(made, entry=entry(tenant, token=token), most=MOST)
        except UserTokenNotFound:
            assert token not in self.known[tenant].subjects
        else:
            held = self.known[tenant].samples[token]
            same = [it for it in held if it.record.modality is modality]
            for old in same[: max(0, len(same) - MOST + 1)]:
                held.remove(old)
            held.append(made)
        return token, made.record.name

    @rule(tenant=TENANTS, token=tokens, named=names)
    def remove_sample(
        self, tenant: TenantId, token: UserToken, named: tuple[UserToken, SampleId]
    ) -> None:
        held = self.known[tenant].samples.get(token)
        note = entry(tenant, token=token)
        try:
            self.storage.samples.remove_sample(token, named[1], entry=note)
        except UserTokenNotFound:
            assert held is None
        except SampleNotFound:
            assert held is not None
            assert named[1] not in {it.record.name for it in held}
        else:
            assert held is not None
            (gone,) = (it for it in held if it.record.name == named[1])
            held.remove(gone)

    @rule(tenant=TENANTS, name=NAMES)
    def put(self, tenant: TenantId, name: CollectionName) -> None:
        _, is_new = self.storage.collections.put(name, entry=entry(tenant))
        assert is_new == (name not in self.known[tenant].collections)
        self.known[tenant].collections.add(name)

    @rule(tenant=TENANTS, name=NAMES)
    def remove_collection(self, tenant: TenantId, name: CollectionName) -> None:
        known = self.known[tenant]
        try:
            self.storage.collections.remove(name, entry=entry(tenant))
        except CollectionNotFound:
            assert name not in known.collections
        else:
            known.collections.remove(name)
            for token, it in known.subjects.items():
                known.subjects[token] = replace(it, collections=it.collections - {name})

    @invariant()
    def each_has_its_own(self) -> None:
        for tenant, known in self.known.items():
            page = self.storage.subjects.page(tenant, after=None, limit=1000)
            assert {it.user_token: _details(it) for it in page} == known.subjects
            counts = {it.name: it.subjects for it in self.storage.collections.all(tenant)}
            assert counts == {
                name: sum(name in it.collections for it in known.subjects.values())
                for name in known.collections
            }
            for token, held in known.samples.items():
                found = self.storage.samples.references(tenant, token)
                assert [_facts(it) for it in found] == [_facts(it) for it in held]


def _details(subject: Subject) -> SubjectDetails:
    return SubjectDetails(subject.external_id, subject.collections)


def _facts(kept: BiometricReference) -> tuple[SampleId, bytes]:
    return kept.record.name, kept.template.vector.tobytes()


def test_what_is_not_there_is_told_in_the_same_words_everywhere(sqlite: Storage) -> None:
    """Never made, removed, another tenant's: the caller learns no difference."""
    with_tenants(sqlite.keys)
    anothers, removed = (reference(n).record.user_token for n in (1, 2))
    for token, tenant in ((anothers, OTHER), (removed, ACME)):
        details = SubjectDetails(ExternalId(f"a-{token}"))
        sqlite.subjects.create(token, details, entry=entry(tenant, token=token))
    sqlite.subjects.remove(removed, entry=entry(ACME, token=removed))
    said = {
        _refusal(ask)
        for token in (new_user_token(), removed, anothers)
        for ask in _questions(sqlite, token)
    }
    assert len(said) == 1


def test_anothers_sample_is_told_of_like_one_that_never_was(sqlite: Storage) -> None:
    with_tenants(sqlite.keys)
    mine, theirs = new_user_token(), new_user_token()
    for token, tenant in ((mine, ACME), (theirs, OTHER)):
        sqlite.subjects.create(token, SubjectDetails(), entry=entry(tenant, token=token))
    kept = sample(theirs, 1)
    sqlite.samples.add_sample(kept, entry=entry(OTHER, token=theirs), most=MOST)
    gone = sample(mine, 2)
    sqlite.samples.add_sample(gone, entry=entry(ACME, token=mine), most=MOST)
    note = entry(ACME, token=mine)
    sqlite.samples.remove_sample(mine, gone.record.name, entry=note)
    said = set()
    for name in (kept.record.name, gone.record.name, new_sample_id()):
        with pytest.raises(SampleNotFound) as refused:
            sqlite.samples.remove_sample(mine, name, entry=note)
        said.add(refused.value.message)
    assert len(said) == 1
    assert len(sqlite.samples.references(OTHER, theirs)) == 1


def _questions(storage: Storage, token: UserToken) -> list[Callable[[], object]]:
    subjects, samples, note = storage.subjects, storage.samples, entry(ACME, token=token)
    return [
        lambda: subjects.get(ACME, token),
        lambda: subjects.with_external_id(ACME, ExternalId(f"a-{token}")),
        lambda: subjects.change(token, SubjectDetails(), entry=note),
        lambda: subjects.remove(token, entry=note, if_version=1),
        lambda: samples.add_sample(sample(token, 3), entry=note, most=MOST),
        lambda: samples.remove_sample(token, SampleId(token), entry=note),
        lambda: samples.records(ACME, token, Modality.FACE),
        lambda: samples.references(ACME, token),
        lambda: storage.guesses.check(ACME, token, at=NOW),
    ]


def _refusal(ask: Callable[[], object]) -> str:
    with pytest.raises(UserTokenNotFound) as refused:
        ask()
    return refused.value.message


TestTwoTenantsOfSubjects = TwoTenantsOfSubjects.TestCase
TestTwoTenantsOfSubjects.settings = settings(
    max_examples=6,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
