"""People move to another network by pictures that lie in files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perse.domain.consent import Declaration
from perse.domain.decisions import PadScore
from perse.domain.references import Modality, UserToken
from perse.domain.samples import FaceImage, ModelName
from perse.domain.subjects import ExternalId, SubjectDetails, new_sample_id
from perse.errors import StorageUnavailable
from perse.pipelines.consent import RecordConsent
from perse.pipelines.file_moving import Moved, MoveFile, MoveOutcome
from perse.pipelines.moving import MoveReference
from perse.pipelines.subject_import import FileOfSubject, Refused
from tests.fakes.subjects import FakeCollections, FakeSamples, FakeSubjects
from tests.pipelines.test_moving import ACME, GIVEN, NEW, OLD, House


@pytest.fixture
def house() -> House:
    return House()


def mover(house: House) -> MoveFile:
    previous = house.server(house.new, house.old).previous
    assert previous is not None
    assert isinstance(previous.move, MoveReference)
    return MoveFile(
        FakeSubjects(house.store, FakeCollections(house.store)),
        house.store,
        house.consent,
        previous.recognition,
        previous.move,
        lambda content: FaceImage(np.full((200, 200, 3), content[0], np.uint8)),
    )


def move(house: House, shade: int = 7, *, person: str | None = None) -> MoveOutcome:
    """By a picture of whom the shade stands for."""
    file = FileOfSubject(person or house.token, "a.jpg", Modality.FACE, lambda: bytes([shade]))
    return mover(house)(ACME, file, GIVEN)


def another_face(house: House, shade: int) -> None:
    face = house.store.find(ACME.tenant_id, house.token)
    image = FaceImage(np.full((200, 200, 3), shade, np.uint8))
    template = house.old.embed(image, None)  # type: ignore[arg-type]
    record = replace(face.record, sample_id=new_sample_id())
    entry = replace(house.store.ledger.entries[0], user_token=house.token)
    FakeSamples(house.store).add_sample(
        replace(face, record=record, template=template), entry=entry, most=9
    )


def models(house: House) -> list[ModelName]:
    return [face.record.model for face in house.store.faces(ACME.tenant_id, house.token)]


def refused(outcome: MoveOutcome) -> str:
    assert isinstance(outcome, Refused)
    return outcome.code


def test_a_picture_moves_the_person_once(house: House) -> None:
    before = house.store.record(ACME.tenant_id, house.token)
    assert move(house) == Moved(house.token, anew=True)
    assert models(house) == [NEW]
    assert house.noted()[-1] == ("face_move", "given", house.token)
    assert house.store.record(ACME.tenant_id, house.token).updated_at == before.updated_at
    embedded = house.new.embedded
    assert move(house) == Moved(house.token, anew=False)
    assert (house.new.embedded, len(house.noted())) == (embedded, 2)


def test_a_picture_moves_one_of_several_faces_however_often_it_comes(house: House) -> None:
    another_face(house, 8)
    for _ in range(3):
        move(house, 7)
    assert models(house) == [NEW, OLD]
    move(house, 8)
    assert models(house) == [NEW, NEW]


def test_a_person_may_be_named_by_external_id(house: House) -> None:
    key = ACME.tenant_id, house.token
    house.store.people[key].details = SubjectDetails(ExternalId("ann"))
    assert move(house, person="ann") == Moved(house.token, anew=True)


@pytest.mark.parametrize("person", ["nobody", "5f0c6c1e-0d0a-4a8e-9f1c-0123456789ab", "x" * 300])
def test_somebody_unknown_is_an_outcome(house: House, person: str) -> None:
    assert refused(move(house, person=person)) in {"user_token_not_found", "invalid_parameter"}


def test_another_persons_picture_and_a_bad_one_move_nobody(house: House) -> None:
    assert refused(move(house, 9)) == "image_unusable"
    assert refused(move(house, 0)) == "no_face_detected"
    house.nets.pad = PadScore(0.1)
    assert refused(move(house, 7)) == "image_unusable"
    assert models(house) == [OLD]
    assert [it[0] for it in house.noted()[1:]] == ["face_move"] * 3


def test_comparisons_of_a_move_lock_nobody_out(house: House) -> None:
    for _ in range(30):
        move(house, 9)
    assert house.store.failed[ACME.tenant_id, house.token].total == 0


def test_without_the_consent_that_is_required_nothing_is_looked_at(house: House) -> None:
    house.consent = RecordConsent(house.store.ledger, house.clock, required=True)
    file = FileOfSubject(house.token, "a.jpg", Modality.FACE, unread)
    outcome = mover(house)(ACME, file, Declaration.ABSENT)
    assert refused(outcome) == "enduser_consent_required"
    assert house.noted()[-1] == ("face_move", "absent", house.token)


def unread() -> bytes:
    raise AssertionError("nobody may read this")


def test_a_file_that_cannot_be_read_is_an_outcome(house: House) -> None:
    def gone() -> bytes:
        raise FileNotFoundError(2, "No such file")

    file = FileOfSubject(house.token, "a.jpg", Modality.FACE, gone)
    assert refused(mover(house)(ACME, file, GIVEN)) == "unreadable"


def test_a_face_of_a_third_network_is_told(house: House) -> None:
    old = house.old
    house.old = replace(old, model=ModelName("older-net"))
    assert refused(move(house)) == "reference_model_mismatch"


def test_what_is_nobodys_fault_ends_it(house: House) -> None:
    house.store.ledger.fails_with = StorageUnavailable("full")
    with pytest.raises(StorageUnavailable):
        move(house)
    assert models(house) == [OLD]


def test_who_is_changed_meanwhile_is_looked_at_again(house: House) -> None:
    """Another worker moves the face between the look and the change."""
    moving, token = mover(house), UserToken(house.token)
    other = mover(house)

    def decode(content: bytes) -> FaceImage:
        file = FileOfSubject(token, "a.jpg", Modality.FACE, lambda: b"\7")
        assert other(ACME, file, GIVEN) == Moved(token, anew=True)
        return other.decode(content)

    file = FileOfSubject(token, "a.jpg", Modality.FACE, lambda: b"\7")
    assert replace(moving, decode=decode)(ACME, file, GIVEN) == Moved(token, anew=False)
    assert models(house) == [NEW]
