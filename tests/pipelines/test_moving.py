"""Users move from one network to another as they are recognised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import pytest

from perse.domain.access import Caller, KeyId, TenantId
from perse.domain.consent import Declaration
from perse.domain.decisions import OperatingPoint, PadScore, SimilarityScale
from perse.domain.faces import FaceVerification
from perse.domain.geometry import Landmarks
from perse.domain.references import Template, UserToken
from perse.domain.resemblance import ResemblanceScale
from perse.domain.samples import FaceImage, ModelName
from perse.errors import RateLimited, ReferenceModelMismatch, StorageUnavailable
from perse.pipelines.comparison import CaptureFace, CompareFaces, Picture
from perse.pipelines.consent import RecordConsent
from perse.pipelines.detection import AssessFace, FindFaces
from perse.pipelines.enrolment import CaptureReference, EnrolFace, UpdateReference
from perse.pipelines.moving import CaptureAgain, MoveReference, PreviousNetwork, Recognition
from perse.pipelines.verification import VerifyFace
from tests.fakes.storage import FakeClock, FakeGuesses, FakeReferences
from tests.pipelines.test_enrolment import GOOD, THRESHOLDS, FakeNetworks, picture

ACME = Caller(TenantId("acme"), KeyId("key-1"))
OLD, NEW = ModelName("old-net"), ModelName("new-net")
OLD_SCALE = ResemblanceScale(
    SimilarityScale([OperatingPoint(1e-2, 0.2), OperatingPoint(1e-5, 0.5)])
)
NEW_SCALE = ResemblanceScale(
    SimilarityScale([OperatingPoint(1e-2, 0.3), OperatingPoint(1e-5, 0.6)])
)
OLD_THRESHOLDS = replace(THRESHOLDS, similarity=0.8, similarity_by_fmr={"1e-4": 0.8})
NEW_THRESHOLDS = replace(THRESHOLDS, similarity=0.7)
GIVEN = Declaration.GIVEN


@dataclass
class OneEmbedder:
    """Equal shades match; ``nearness``: the cosine of a person with his own reference."""

    model: ModelName
    nearness: float = 1.0
    embedded: int = 0
    fails_with: Exception | None = None

    def embed(self, image: FaceImage, landmarks: Landmarks) -> Template:
        self.embedded += 1
        if self.fails_with:
            raise self.fails_with
        features = np.zeros(256, np.float32)
        features[int(image.pixels[0, 0, 0])] = self.nearness
        features[255] = np.sqrt(1 - self.nearness**2)
        return Template.of(features, self.model)


@dataclass
class House:
    """A server of ``old`` that has enrolled somebody, and then servers that know both."""

    nets: FakeNetworks = field(default_factory=FakeNetworks)
    old: OneEmbedder = field(default_factory=lambda: OneEmbedder(OLD))
    new: OneEmbedder = field(default_factory=lambda: OneEmbedder(NEW))
    store: FakeReferences = field(default_factory=FakeReferences)
    clock: FakeClock = field(default_factory=FakeClock)
    until: date | None = None
    failures: list[Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.consent = RecordConsent(self.store.ledger, self.clock, purpose="testing")
        self.token = self.enrol(self.old)(ACME, picture(7), declaration=GIVEN).user_token

    def capturing(self, by: OneEmbedder) -> CaptureReference:
        find, assess = FindFaces(self.nets, 100), self.assess
        return CaptureReference(find, assess, by, NEW_SCALE, THRESHOLDS)

    @property
    def assess(self) -> AssessFace:
        return AssessFace(self.nets, self.nets, self.nets)

    def enrol(self, by: OneEmbedder) -> EnrolFace:
        return EnrolFace(self.capturing(by), self.store, self.consent)

    def update(self, by: OneEmbedder) -> UpdateReference:
        return UpdateReference(self.capturing(by), self.store, self.consent)

    def recognition(self, by: OneEmbedder) -> Recognition:
        capture = CaptureFace(FindFaces(self.nets, 100), self.assess, by)
        if by is self.old:
            return Recognition(CompareFaces(capture, OLD_SCALE), OLD_THRESHOLDS)
        return Recognition(CompareFaces(capture, NEW_SCALE), NEW_THRESHOLDS)

    def server(self, current: OneEmbedder, previous: OneEmbedder) -> VerifyFace:
        move = MoveReference(
            CaptureAgain(current, NEW_SCALE, THRESHOLDS),
            0.9,
            self.store,
            self.consent,
            self.failures.append,
        )
        old = PreviousNetwork(self.recognition(previous), move, self.until)
        guesses = FakeGuesses(self.store)
        return VerifyFace(self.recognition(current), self.store, guesses, self.clock, old)

    def verify(self, shade: int = 7, *, declaration: Declaration = GIVEN) -> FaceVerification:
        return self.server(self.new, self.old)(
            ACME, self.token, picture(shade), declaration=declaration
        )

    @property
    def model(self) -> ModelName:
        return self.store.record(ACME.tenant_id, self.token).model

    def noted(self) -> list[tuple[str, str, str | None]]:
        return [(e.operation, e.declaration, e.user_token) for e in self.store.ledger.entries]


@pytest.fixture
def house() -> House:
    return House()


def test_whoever_is_surely_recognised_is_moved_once(house: House) -> None:
    before = house.store.record(ACME.tenant_id, house.token)
    house.clock.pass_time(days=1)
    house.nets.metrics = replace(GOOD, sharpness=0.7)
    first = house.verify()
    assert first.moved
    assert first.comparison.models["face_embedder"] == OLD
    assert first.thresholds == OLD_THRESHOLDS
    kept = house.store.find(ACME.tenant_id, house.token)
    assert kept.template.model == kept.record.model == NEW
    assert kept.record.quality["sharpness"] == 0.7
    assert (kept.record.created_at, kept.record.updated_at) == (before.created_at,) * 2
    assert house.noted()[-1] == ("face_move", "given", house.token)
    assert house.store.ledger.entries[-1].purpose == "testing"

    second = house.verify()
    assert second.moved is None
    assert second.comparison.models["face_embedder"] == NEW
    assert second.thresholds == NEW_THRESHOLDS
    assert len(house.noted()) == 2


def test_a_move_costs_one_embedding_and_other_comparisons_cost_nothing_more(house: House) -> None:
    house.old.embedded = 0
    house.verify()
    assert (house.old.embedded, house.new.embedded) == (1, 1)
    house.verify()
    assert (house.old.embedded, house.new.embedded) == (1, 2)


def test_the_picture_is_decoded_once(house: House) -> None:
    decoded = list[int]()

    def load() -> FaceImage:
        decoded.append(1)
        return picture(7).load()

    verify = house.server(house.new, house.old)
    assert verify(ACME, house.token, Picture("image_file", load), declaration=GIVEN).moved
    assert decoded == [1]


def test_a_user_moves_there_and_back(house: House) -> None:
    assert house.verify().moved
    back = house.server(house.old, house.new)
    assert back(ACME, house.token, picture(7), declaration=GIVEN).moved
    assert house.model == OLD


@pytest.mark.parametrize(
    ("metrics", "pad"),
    [
        ({"underexposure": 0.86}, 0.9),
        ({"overexposure": 0.04}, 0.9),
        ({"sharpness": 0.29}, 0.9),
        ({"rotation": 25.1}, 0.9),
        ({}, 0.49),
        ({"sharpness": 0.29}, 0.1),
    ],
)
def test_a_bad_picture_and_an_attack_move_nobody(
    house: House, metrics: dict[str, float], pad: float
) -> None:
    house.nets.metrics, house.nets.pad = replace(GOOD, **metrics), PadScore(pad)
    verified = house.verify()
    assert verified.moved is False
    assert verified.comparison.similarity == 1
    assert (house.model, house.new.embedded, len(house.noted())) == (OLD, 0, 1)


@pytest.mark.parametrize(("shade", "nearness"), [(7, 0.49), (8, 1.0)])
def test_who_is_less_surely_recognised_stays(house: House, shade: int, nearness: float) -> None:
    """0.49 is a match at the default threshold, and none at 1e-5."""
    house.old.nearness = nearness
    verified = house.verify(shade)
    assert verified.moved is False
    assert (verified.comparison.similarity >= OLD_THRESHOLDS.similarity) == (shade == 7)
    assert (house.model, house.new.embedded) == (OLD, 0)
    assert house.store.failed[ACME.tenant_id, house.token].total == (shade != 7)


def test_without_an_attack_detector_nobody_is_surely_live(house: House) -> None:
    verify = house.server(house.new, house.old)
    assert verify.previous is not None
    compare = verify.previous.recognition.compare
    assess = replace(compare.capture.assess, attacks=None)
    blind = replace(compare, capture=replace(compare.capture, assess=assess))
    previous = replace(verify.previous, recognition=Recognition(blind, OLD_THRESHOLDS))
    blind_server = replace(verify, previous=previous)
    assert blind_server(ACME, house.token, picture(7), declaration=GIVEN).moved is False
    assert house.model == OLD


def fail_to_embed(house: House) -> None:
    house.new.fails_with = ValueError("no direction")


def fail_to_write(house: House) -> None:
    house.store.ledger.fails_with = StorageUnavailable("full")


@pytest.mark.parametrize("broken", [fail_to_embed, fail_to_write])
def test_a_move_that_fails_changes_nothing_and_the_comparison_stands(
    house: House, broken: Callable[[House], None]
) -> None:
    before = house.store.find(ACME.tenant_id, house.token)
    broken(house)
    verified = house.verify()
    assert (verified.moved, verified.comparison.similarity) == (False, 1)
    assert house.store.find(ACME.tenant_id, house.token) is before
    assert len(house.failures) == 1
    assert len(house.noted()) == 1


def delete(house: House) -> None:
    key = ACME.tenant_id, house.token
    house.store.people.pop(key)
    house.store.failed.pop(key)


def update_by_old(house: House) -> None:
    house.clock.pass_time(seconds=1)
    house.update(house.old)(ACME, house.token, picture(9), declaration=GIVEN)


def update_by_new(house: House) -> None:
    house.update(house.new)(ACME, house.token, picture(9), declaration=GIVEN)


@pytest.mark.parametrize("meddle", [delete, update_by_old, update_by_new])
def test_only_the_reference_that_was_compared_is_replaced(
    house: House, meddle: Callable[[House], None]
) -> None:
    """Somebody else is quicker, between the comparison and the move."""
    verify = house.server(house.new, house.old)
    assert verify.previous is not None
    move = verify.previous.move

    def interrupted(*arguments: object) -> bool:
        meddle(house)
        return move(*arguments)  # type: ignore[arg-type]

    late = replace(verify, previous=replace(verify.previous, move=interrupted))
    verified = late(ACME, house.token, picture(7), declaration=GIVEN)
    assert (verified.moved, verified.comparison.similarity) == (False, 1)
    assert "face_move" not in {operation for operation, _, _ in house.noted()}
    person = house.store.people.get((ACME.tenant_id, house.token))
    assert person is None or person.samples[0].template.vector[9] == 1


def test_failed_comparisons_stay_counted_after_a_move(house: House) -> None:
    for _ in range(3):
        house.verify(8)
    assert house.verify().moved
    failed = house.store.failed[ACME.tenant_id, house.token]
    assert (failed.in_row, failed.total) == (0, 3)


def test_a_user_whom_guesses_have_closed_is_not_moved(house: House) -> None:
    for _ in range(10):
        house.verify(8)
    with pytest.raises(RateLimited):
        house.verify()
    assert house.model == OLD


@pytest.mark.parametrize(
    ("until", "compared"),
    [(date(2026, 1, 1), False), (date(2026, 1, 2), True), (date(2026, 1, 3), True), (None, True)],
)
def test_after_the_last_day_old_references_are_refused(
    until: date | None, *, compared: bool
) -> None:
    house = House(until=until)
    if compared:
        assert house.verify().moved
        return
    seen = house.old.embedded
    with pytest.raises(ReferenceModelMismatch, match="update the enrolment"):
        house.verify()
    assert (house.old.embedded, house.new.embedded) == (seen, 0)


def test_a_reference_of_a_third_network_is_refused(house: House) -> None:
    third = OneEmbedder(ModelName("third-net"))
    house.token = UserToken(house.enrol(third)(ACME, picture(7), declaration=GIVEN).user_token)
    with pytest.raises(ReferenceModelMismatch, match="third-net"):
        house.verify()


def test_the_declaration_of_the_call_is_written_with_the_move(house: House) -> None:
    assert house.verify(declaration=Declaration.ABSENT).moved
    assert house.noted()[-1] == ("face_move", "absent", house.token)
