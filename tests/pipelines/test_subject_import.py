from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from perse.crew import work_through
from perse.domain.access import Caller, KeyId, TenantId
from perse.domain.consent import ConsentEntry, Declaration, Processing
from perse.domain.references import Modality, Template
from perse.domain.retries import RetryKey
from perse.domain.samples import ModelName
from perse.errors import InvalidParameter, NoFaceDetected, StorageUnavailable
from perse.pipelines.consent import RecordConsent
from perse.pipelines.enrolment import CapturedReference
from perse.pipelines.import_report import ImportReport
from perse.pipelines.samples import AddSample
from perse.pipelines.subject_import import (
    ByContent,
    FileOfSubject,
    Imported,
    ImportFile,
    Intake,
    Refused,
)
from tests.fakes.storage import FakeClock, FakeReferences
from tests.fakes.subjects import FakeCollections, FakeSamples, FakeSubjects

ACME = Caller(TenantId("acme"), KeyId("key-1"))
PEOPLE = Path("/srv/people")


@dataclass
class Office:
    """An import over fakes; a file holds one letter, which is the face on it."""

    users: FakeReferences = field(default_factory=FakeReferences)
    looked_at: list[bytes] = field(default_factory=list)
    most: int = 20
    fails_with: Exception | None = None
    consent_required: bool = False

    @property
    def subjects(self) -> FakeSubjects:
        return FakeSubjects(self.users, FakeCollections(self.users))

    @property
    def samples(self) -> FakeSamples:
        return FakeSamples(self.users)

    @property
    def import_file(self) -> ImportFile:
        consent = RecordConsent(self.users.ledger, FakeClock(), required=self.consent_required)
        add = AddSample(Modality.FACE, self._capture, self.samples, consent, self.most)
        return ImportFile(
            self.subjects,
            {Modality.FACE: Intake(add, lambda _, content: content)},
            ByContent(self.samples, partial(RetryKey.for_content, secret=bytes(32))),
        )

    @property
    def people(self) -> list[tuple[str, int]]:
        """Who there is, and with how many faces."""
        found = self.subjects.page(ACME.tenant_id, after=None, limit=10)
        return sorted((it.external_id or "", it.faces) for it in found)

    def entry(self, operation: Processing) -> ConsentEntry:
        return RecordConsent(self.users.ledger, FakeClock()).entry(
            ACME, operation, Declaration.NOT_NEEDED
        )

    def run(
        self, *files: FileOfSubject, declaration: Declaration = Declaration.GIVEN
    ) -> list[Imported | Refused]:
        return [self.import_file(ACME, file, declaration) for file in files]

    def _capture(self, content: bytes) -> CapturedReference:
        self.looked_at.append(content)
        if self.fails_with:
            raise self.fails_with
        features = np.zeros(256, np.float32)
        features[content[0]] = 1
        return CapturedReference(Template.of(features, ModelName("net")), {"sharpness": 0.5})


def file_of(
    person: str, content: bytes, name: str = "a.jpg", modality: Modality = Modality.FACE
) -> FileOfSubject:
    return FileOfSubject(person, name, modality, lambda: content)


def report_in(folder: Path, tenant: str = "acme", source: Path = PEOPLE) -> ImportReport:
    return ImportReport(folder / "report.jsonl", TenantId(tenant), source)


def unreadable() -> bytes:
    raise PermissionError(13, "Permission denied")


def test_people_are_made_once_and_get_all_their_samples() -> None:
    office = Office()
    office.run(file_of("ann", b"a"), file_of("bob", b"b"), file_of("ann", b"c", "b.jpg"))
    assert office.people == [("ann", 2), ("bob", 1)]
    assert [entry.declaration for entry in office.users.ledger.entries][1] == "given"


def test_the_same_file_again_is_the_same_sample_and_is_not_looked_at() -> None:
    office = Office()
    first, again = office.run(file_of("ann", b"a"), file_of("ann", b"a"))
    assert first == again
    assert office.looked_at == [b"a"]
    (other,) = office.run(file_of("bob", b"a"))
    assert other != first


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (FileOfSubject("x", "x", Modality.FACE, unreadable), "unreadable"),
        (file_of("x", b"x", modality=Modality.VOICE), "not_found"),
    ],
)
def test_a_file_that_cannot_be_used_is_an_outcome(file: FileOfSubject, code: str) -> None:
    (outcome,) = Office().run(file)
    assert isinstance(outcome, Refused)
    assert outcome.code == code


def test_a_picture_without_a_face_is_refused_and_the_rest_goes_on() -> None:
    office = Office(fails_with=NoFaceDetected("there is no face in a.jpg"))
    assert office.run(file_of("ann", b"a")) == [
        Refused("no_face_detected", "there is no face in a.jpg")
    ]
    assert office.people == []
    assert [it.operation for it in office.users.ledger.entries] == ["face_enrol"]
    office.fails_with = None
    assert isinstance(office.run(file_of("ann", b"a"))[0], Imported)


def test_without_the_consent_that_is_required_nothing_is_made_nor_looked_at() -> None:
    office = Office(consent_required=True)
    (outcome,) = office.run(file_of("ann", b"a"), declaration=Declaration.ABSENT)
    assert isinstance(outcome, Refused)
    assert outcome.code == "enduser_consent_required"
    assert (office.people, office.looked_at) == ([], [])
    noted = [(it.operation, it.declaration) for it in office.users.ledger.entries]
    assert noted == [("face_enrol", "absent")]


def test_the_ledger_names_the_subject_whose_first_sample_was_kept() -> None:
    office = Office()
    (imported,) = office.run(file_of("ann", b"a"))
    assert isinstance(imported, Imported)
    noted = [(it.operation, it.user_token) for it in office.users.ledger.entries]
    token = imported.user_token
    assert noted == [("subject_create", token), ("face_enrol", token)]


def test_who_was_deleted_is_imported_again() -> None:
    office = Office()
    (before,) = office.run(file_of("ann", b"a"))
    assert isinstance(before, Imported)
    office.subjects.remove(before.user_token, entry=office.entry(Processing.DELETE))
    (after,) = office.run(file_of("ann", b"a"))
    assert isinstance(after, Imported)
    assert after.user_token != before.user_token
    assert office.people == [("ann", 1)]


def test_a_sample_that_was_destroyed_is_made_anew_as_often_as_that_happens() -> None:
    office = Office()
    made = set()
    for _ in range(30):
        (imported,) = office.run(file_of("ann", b"a"))
        assert isinstance(imported, Imported)
        made.add(imported.sample_id)
        office.samples.remove_sample(
            imported.user_token,
            imported.sample_id,
            entry=office.entry(Processing.SAMPLE_DELETE),
        )
    assert len(made) == 30


def test_a_displaced_file_run_again_is_a_sample_again_and_only_one() -> None:
    office = Office(most=1)
    office.run(file_of("ann", b"a"), file_of("ann", b"b"))
    first, again = office.run(file_of("ann", b"a"), file_of("ann", b"a"))
    assert isinstance(first, Imported)
    assert isinstance(again, Imported)
    assert (first.sample_id, first.displaced) == (again.sample_id, True)
    assert office.people == [("ann", 1)]


def test_a_person_who_cannot_be_named_is_an_outcome() -> None:
    for person in ("", "x" * 201, "tab\there", "not \udcff text"):
        (outcome,) = Office().run(file_of(person, b"a"))
        assert isinstance(outcome, Refused)
        assert outcome.code == "invalid_parameter"


def test_what_is_nobodys_fault_ends_the_import() -> None:
    office = Office(fails_with=StorageUnavailable("the disk is full"))
    with pytest.raises(StorageUnavailable):
        office.run(file_of("ann", b"a"))


def test_the_oldest_sample_goes_when_there_are_too_many_and_that_is_told() -> None:
    office = Office(most=1)
    first, second = office.run(file_of("ann", b"a"), file_of("ann", b"b"))
    assert isinstance(first, Imported)
    assert isinstance(second, Imported)
    assert (first.displaced, second.displaced) == (False, True)


def test_files_of_one_person_side_by_side_make_one_subject() -> None:
    office = Office()
    files = [file_of("ann", bytes([n])) for n in range(1, 20)]
    work: Callable[[FileOfSubject], Imported | Refused] = lambda file: office.run(file)[0]  # noqa: E731
    done = dict(work_through(files, work, workers=8, name="import"))
    assert {type(outcome) for outcome in done.values()} == {Imported}
    assert [it.faces for it in office.subjects.page(ACME.tenant_id, after=None, limit=9)] == [19]


def test_the_first_error_ends_the_work_that_has_not_begun() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        raise StorageUnavailable("the disk is full")

    with pytest.raises(StorageUnavailable):
        list(work_through(range(1000), work, workers=2, name="import"))
    assert len(begun) < 1000


def test_a_report_knows_what_became_a_sample_and_lets_the_rest_be_tried_again(
    tmp_path: Path,
) -> None:
    kept, refused = file_of("änn", b"a", "a.jpg"), file_of("änn", b"b", "b.jpg")
    (imported,) = Office().run(kept)
    with report_in(tmp_path) as report:
        report.note(kept, imported)
        report.note(refused, Refused("no_face_detected", "none"))
    with (tmp_path / "report.jsonl").open("a") as torn:
        torn.write('{"person": "änn", "file')
    with report_in(tmp_path) as report:
        assert (report.knows(kept), report.knows(refused)) == (True, False)
        report.note(refused, imported)
        assert not report.knows(file_of("bob", b"a", "a.jpg"))
    with report_in(tmp_path) as report:
        assert report.knows(refused)


def test_what_another_tenant_or_another_place_imported_is_not_taken_for_done(
    tmp_path: Path,
) -> None:
    file = file_of("ann", b"a")
    (imported,) = Office().run(file)
    with report_in(tmp_path) as report:
        report.note(file, imported)
    elsewhere = Path("/srv/others")
    for tenant, source, known in (
        ("acme", PEOPLE, True),
        ("other", PEOPLE, False),
        ("acme", elsewhere, False),
    ):
        with report_in(tmp_path, tenant, source) as report:
            assert report.knows(file) == known


def test_a_file_whose_name_is_no_text_is_reported_as_any_other(tmp_path: Path) -> None:
    file = file_of("ann", b"a", os.fsdecode(b"caf\xe9.jpg"))
    (imported,) = Office().run(file)
    with report_in(tmp_path) as report:
        report.note(file, imported)
    with report_in(tmp_path) as report:
        assert report.knows(file)


@pytest.mark.parametrize("text", ["dear diary\nof today\n", "dear diary", "[]\n", '{"a": 1}'])
def test_a_file_that_is_no_report_is_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "notes.txt"
    file.write_text(text)
    with (
        pytest.raises(InvalidParameter, match="line 1"),
        ImportReport(file, ACME.tenant_id, PEOPLE),
    ):
        pass
    assert file.read_text() == text


def test_a_line_of_the_report_says_who_became_what(tmp_path: Path) -> None:
    file = file_of("ann", b"a")
    (imported,) = Office().run(file)
    with report_in(tmp_path) as report:
        report.note(file, imported)
    line = json.loads((tmp_path / "report.jsonl").read_text())
    assert isinstance(imported, Imported)
    assert line == {
        "person": "ann",
        "file": "a.jpg",
        "source": "/srv/people",
        "tenant": "acme",
        "subject": imported.user_token,
        "sample": imported.sample_id,
        "displaced": False,
    }
