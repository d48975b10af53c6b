from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from perse.domain.access import Caller, KeyId, TenantId
from perse.domain.consent import Declaration, Processing
from perse.domain.references import Modality, Template, UserToken
from perse.domain.retries import RetryKey
from perse.domain.subjects import ExternalId, Subject, SubjectDetails
from perse.errors import (
    ChangedMeanwhile,
    InvalidParameter,
    StorageUnavailable,
    TracesRemain,
    UserTokenNotFound,
)
from perse.pipelines.consent import RecordConsent
from perse.pipelines.enrolment import CapturedReference
from perse.pipelines.samples import AddSample, DuplicateTerms
from perse.pipelines.subjects import ChangeSubject, CreateSubject, ListSubjects
from tests.fakes.storage import FakeClock, FakeReferences
from tests.fakes.subjects import FakeCollections, FakeSamples, FakeSubjects
from tests.storage.samples import template

ACME = Caller(TenantId("acme"), KeyId("key-1"))
GIVEN = Declaration.GIVEN


@dataclass
class BusySubjects(FakeSubjects):
    """Somebody else changes a subject whenever it has been read, ``times`` times."""

    times: int = 0

    def get(self, tenant_id: TenantId, user_token: UserToken) -> Subject:
        known = super().get(tenant_id, user_token)
        if self.times:
            self.times -= 1
            self.users.person(tenant_id, user_token).version += 1
        return known


@dataclass
class House:
    """The use cases over one fake store; what is sent is a template, or what is wrong with it."""

    users: FakeReferences = field(default_factory=FakeReferences)
    clock: FakeClock = field(default_factory=FakeClock)
    seen: list[object] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.consent = RecordConsent(self.users.ledger, self.clock)
        collections = FakeCollections(self.users)
        self.subjects = BusySubjects(self.users, collections)
        self.samples = FakeSamples(self.users)
        self.create = CreateSubject(self.subjects, self.consent)
        self.change = ChangeSubject(self.subjects, self.consent)
        self.list = ListSubjects(self.subjects, collections)
        self.add = AddSample(Modality.VOICE, self.capture, self.samples, self.consent, most=2)

    def capture(self, sent: Template | Exception) -> CapturedReference:
        self.seen.append(sent)
        if isinstance(sent, Exception):
            raise sent
        return CapturedReference(sent, {"net_speech_s": 2.0})

    def noted(self) -> list[str]:
        return [entry.operation for entry in self.users.ledger.entries]


@pytest.fixture
def house() -> House:
    return House()


def named(text: str) -> SubjectDetails:
    return SubjectDetails(ExternalId(text))


def renamed(known: SubjectDetails) -> SubjectDetails:
    return replace(known, external_id=ExternalId(f"{known.external_id}!"))


def test_a_change_is_made_of_what_there_is_when_it_is_written(house: House) -> None:
    token = house.create(ACME, named("a")).user_token
    house.subjects.times = 3
    assert house.change(ACME, token, renamed).external_id == "a!"
    assert house.noted() == [Processing.SUBJECT_CREATE, Processing.SUBJECT_CHANGE]


def test_a_change_gives_up_when_others_change_the_subject_all_the_time(house: House) -> None:
    token = house.create(ACME, named("a")).user_token
    house.subjects.times = 1000
    with pytest.raises(ChangedMeanwhile):
        house.change(ACME, token, renamed)
    assert house.subjects.times > 900


def test_a_change_of_one_version_is_tried_once(house: House) -> None:
    token = house.create(ACME, named("a")).user_token
    house.subjects.times = 1
    with pytest.raises(ChangedMeanwhile):
        house.change(ACME, token, renamed, if_version=1)
    assert house.subjects.get(ACME.tenant_id, token).external_id == "a"


def test_a_page_knows_whether_it_is_the_last(house: House) -> None:
    for _ in range(3):
        house.create(ACME, SubjectDetails())
    two = house.list(ACME.tenant_id, limit=2)
    assert two.behind == two.subjects[-1].place
    assert house.list(ACME.tenant_id, limit=3).behind is None
    assert house.list(ACME.tenant_id, limit=2, after=two.behind).behind is None


def test_a_change_that_is_through_is_written_down_once_although_its_traces_remain(
    house: House,
) -> None:
    noted = house.consent.entry(ACME, Processing.UPDATE, GIVEN)
    before = len(house.users.ledger.entries)

    def change() -> None:
        house.users.ledger.append([noted])
        raise TracesRemain("a long reader keeps the log")

    with pytest.raises(TracesRemain), house.consent.with_change(noted):
        change()
    assert len(house.users.ledger.entries) == before + 1


def test_nothing_is_listened_to_for_a_subject_that_is_not_there(house: House) -> None:
    with pytest.raises(UserTokenNotFound):
        house.add(ACME, UserToken("nobody"), template(), declaration=GIVEN)
    assert house.seen == []
    assert house.noted() == [Processing.VOICE_ENROL]


def test_nothing_is_listened_to_again_for_a_request_that_was_answered(house: House) -> None:
    token = house.create(ACME, SubjectDetails()).user_token
    retry = RetryKey.of("form-1", request=b"r" * 32)
    first = house.add(ACME, token, template(), declaration=GIVEN, retry=retry)
    again = house.add(ACME, token, template(), declaration=GIVEN, retry=retry)
    assert again == first
    assert len(house.seen) == 1
    assert house.noted()[1:] == [Processing.VOICE_ENROL] * 2


def test_a_sample_that_cannot_be_captured_is_written_down_and_not_kept(house: House) -> None:
    token = house.create(ACME, SubjectDetails()).user_token
    with pytest.raises(StorageUnavailable):
        house.add(ACME, token, StorageUnavailable("full"), declaration=GIVEN)
    assert house.noted()[1:] == [Processing.VOICE_ENROL]
    assert house.samples.records(ACME.tenant_id, token, Modality.VOICE) == []


def test_where_there_is_no_search_nobody_is_looked_for(house: House) -> None:
    token = house.create(ACME, SubjectDetails()).user_token
    with pytest.raises(InvalidParameter, match="on_duplicate"):
        house.add(
            ACME, token, template(), declaration=GIVEN, duplicates=DuplicateTerms(refuse=True)
        )
    assert house.seen == []


def test_who_waits_for_a_worker_hears_when_only_storing_is_left(house: House) -> None:
    token = house.create(ACME, SubjectDetails()).user_token
    heard = list[int]()
    house.add(
        ACME, token, template(), declaration=GIVEN, captured=lambda: heard.append(len(house.seen))
    )
    assert heard == [1]
