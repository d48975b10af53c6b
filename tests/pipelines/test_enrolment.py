from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from perse.domain.access import Caller, KeyId, TenantId
from perse.domain.consent import ConsentEntry, Declaration
from perse.domain.decisions import OperatingPoint, PadScore, SimilarityScale
from perse.domain.enrolment_gate import EnrolmentGate
from perse.domain.faces import FaceComparison, FaceThresholds
from perse.domain.geometry import Box, DetectedFace, HeadPose, Landmarks
from perse.domain.quality import FaceMetrics, ImageMetrics
from perse.domain.receipts import DestructionEvent, Receipt
from perse.domain.references import (
    BiometricReference,
    ReferenceRecord,
    SampleId,
    Template,
    Traits,
    UserToken,
)
from perse.domain.resemblance import ResemblanceScale
from perse.domain.retries import RetryKey
from perse.domain.samples import FaceImage, ModelName
from perse.errors import (
    EnduserConsentRequired,
    ImageOverexposed,
    ImageUnderexposed,
    ImageUnusable,
    NoFaceDetected,
    RateLimited,
    ReferenceModelMismatch,
    StorageUnavailable,
    UserTokenNotFound,
)
from perse.pipelines.comparison import CaptureFace, CompareFaces, Picture
from perse.pipelines.consent import RecordConsent
from perse.pipelines.detection import AssessFace, FindFaces
from perse.pipelines.enrolment import CaptureReference, DeleteReference, EnrolFace, UpdateReference
from perse.pipelines.moving import Recognition
from perse.pipelines.retention import RETRIES_KEPT, PurgeExpired
from perse.pipelines.verification import VerifyFace
from tests.fakes.history import exporter
from tests.fakes.storage import FakeClock, FakeGuesses, FakeReferences
from tests.fakes.subjects import FakeSamples
from tests.recognisable import GOOD as GOOD_TRAITS
from tests.recognisable import HOPELESS, with_damage_along

ACME = Caller(TenantId("acme"), KeyId("key-1"))
# Damage lies along the last of the 256 values, which nobody is.
MODEL = with_damage_along(np.eye(256, dtype=np.float32)[255:])
SCALE = ResemblanceScale(
    SimilarityScale([OperatingPoint(1e-2, 0.2), OperatingPoint(1e-3, 0.4)]), MODEL
)
THRESHOLDS = FaceThresholds(
    underexposure=0.85,
    overexposure=0.03,
    sharpness=0.3,
    colour=0.5,
    rotation=25.0,
    similarity=0.7,
    similarity_by_fmr={},
    liveness=0.5,
    recognisability=MODEL.least,
)
POINTS = np.array([[40, 50], [70, 50], [55, 65], [44, 80], [66, 80]], np.float32)
GOOD = FaceMetrics(underexposure=0.1, overexposure=0.0, sharpness=0.8, colour=0.02, rotation=6.4)
LIVE = PadScore(0.9)
FRONTAL = HeadPose(0, 0, 0)


@dataclass
class FakeNetworks:
    """All face networks in one: a picture's shade is the person, 0 is nobody."""

    model: ModelName = ModelName("net")
    metrics: FaceMetrics = GOOD
    pad: PadScore = LIVE
    traits: Traits | None = None
    pose: HeadPose = FRONTAL
    embedded: list[int] = field(default_factory=list)

    def detect(self, image: FaceImage) -> list[DetectedFace]:
        shade = int(image.pixels[0, 0, 0])
        box, small = Box(30, 20, 50, 75), Box(35, 30, 5, 5)
        boxes = [small, box] if shade else []
        return [DetectedFace(found, Landmarks(POINTS), 0.9) for found in boxes]

    def embed(self, image: FaceImage, landmarks: Landmarks) -> Template:
        shade = int(image.pixels[0, 0, 0])
        self.embedded.append(shade)
        return Template(np.eye(256, dtype=np.float32)[shade], self.model, self.traits)

    def estimate(self, image: FaceImage, face: DetectedFace) -> HeadPose:
        return self.pose

    def of_image(self, image: FaceImage) -> ImageMetrics:
        return self.metrics

    def of_face(self, image: FaceImage, face: DetectedFace, pose: HeadPose) -> FaceMetrics:
        return self.metrics

    def score(self, image: FaceImage, box: Box) -> PadScore:
        return self.pad


@dataclass
class House:
    """The use cases over one fake store."""

    networks: FakeNetworks = field(default_factory=FakeNetworks)
    store: FakeReferences = field(default_factory=FakeReferences)
    clock: FakeClock = field(default_factory=FakeClock)
    required: bool = False
    gate: EnrolmentGate = EnrolmentGate.CONTRACT

    def __post_init__(self) -> None:
        nets = self.networks
        find, assess = FindFaces(nets, 100), AssessFace(nets, nets, nets)
        capture = CaptureReference(find, assess, nets, SCALE, THRESHOLDS, self.gate)
        consent = RecordConsent(self.store.ledger, self.clock, self.required, "testing")
        compare = CompareFaces(CaptureFace(find, assess, nets), SCALE)
        guesses = FakeGuesses(self.store)
        self.enrol = EnrolFace(capture, self.store, consent)
        self.update = UpdateReference(capture, self.store, consent)
        self.delete = DeleteReference(self.store, consent)
        self.verify = VerifyFace(Recognition(compare, THRESHOLDS), self.store, guesses, self.clock)

    def noted(self) -> list[tuple[str, str, str | None]]:
        return [(e.operation, e.declaration, e.user_token) for e in self.store.ledger.entries]


@pytest.fixture
def house() -> House:
    return House()


def picture(shade: int = 1) -> Picture:
    return Picture("image_file", lambda: FaceImage(np.full((200, 200, 3), shade, np.uint8)))


GIVEN = Declaration.GIVEN


def verify(house: House, token: UserToken, picture: Picture) -> FaceComparison:
    return house.verify(ACME, token, picture, declaration=GIVEN).comparison


def test_a_user_is_enrolled_with_what_is_known_of_the_picture(house: House) -> None:
    record = house.enrol(ACME, picture(7), declaration=GIVEN)
    kept = house.store.find(ACME.tenant_id, record.user_token)
    assert kept.template.vector[7] == 1
    assert kept.record.model == "net"
    assert kept.record.quality == {
        **{"underexposure": 0.1, "overexposure": 0.0, "sharpness": 0.8},
        **{"colour": 0.02, "rotation": 6.4},
    }
    assert kept.record.created_at == kept.record.updated_at == house.clock.time
    assert house.noted() == [("face_enrol", "given", record.user_token)]
    assert house.store.ledger.entries[0].purpose == "testing"


@pytest.mark.parametrize(
    ("shade", "metrics", "error"),
    [
        (0, {}, NoFaceDetected),
        (1, {"underexposure": 0.851}, ImageUnderexposed),
        (1, {"overexposure": 0.031}, ImageOverexposed),
    ],
)
def test_a_picture_that_cannot_serve_is_written_down_and_not_embedded(
    house: House, shade: int, metrics: dict[str, float], error: type[Exception]
) -> None:
    house.networks.metrics = replace(house.networks.metrics, **metrics)
    with pytest.raises(error):
        house.enrol(ACME, picture(shade), declaration=GIVEN)
    assert house.networks.embedded == []
    assert house.noted() == [("face_enrol", "given", None)]
    assert len(house.store.tokens(ACME.tenant_id)) == 0


def test_exposure_at_the_threshold_is_enrolled(house: House) -> None:
    metrics = replace(house.networks.metrics, underexposure=0.85, overexposure=0.03)
    house.networks.metrics = metrics
    house.enrol(ACME, picture(), declaration=GIVEN)


@pytest.mark.parametrize(
    ("required", "declaration", "allowed"),
    [
        (False, Declaration.GIVEN, True),
        (False, Declaration.ABSENT, True),
        (False, Declaration.REFUSED, False),
        (True, Declaration.GIVEN, True),
        (True, Declaration.ABSENT, False),
        (True, Declaration.REFUSED, False),
    ],
)
def test_consent_decides_before_a_pixel_is_seen(
    required: bool, declaration: Declaration, allowed: bool
) -> None:
    house = House(required=required)
    if allowed:
        house.enrol(ACME, picture(), declaration=declaration)
    else:
        with pytest.raises(EnduserConsentRequired):
            house.enrol(ACME, picture(), declaration=declaration)
    assert len(house.networks.embedded) == allowed
    assert [(operation, text) for operation, text, _ in house.noted()] == [
        ("face_enrol", declaration.value)
    ]


def test_no_ledger_entry_no_enrolment(house: House) -> None:
    house.store.ledger.fails_with = StorageUnavailable("full")
    with pytest.raises(StorageUnavailable):
        house.enrol(ACME, picture(), declaration=GIVEN)


def test_a_retry_is_answered_without_processing(house: House) -> None:
    retry = RetryKey.of("form-1", request=b"r" * 32)
    first = house.enrol(ACME, picture(1), declaration=GIVEN, retry=retry)
    again = house.enrol(ACME, picture(1), declaration=GIVEN, retry=retry)
    assert again == first
    assert house.networks.embedded == [1]
    assert house.noted() == [("face_enrol", "given", first.user_token)] * 2


def test_an_update_replaces_and_an_unknown_user_is_not_processed(house: House) -> None:
    token = house.enrol(ACME, picture(1), declaration=GIVEN).user_token
    house.clock.pass_time(days=1)
    record = house.update(ACME, token, picture(2), declaration=GIVEN)
    assert record.updated_at - record.created_at == timedelta(days=1)
    assert house.store.find(ACME.tenant_id, token).template.vector[2] == 1
    stranger = Caller(TenantId("other"), KeyId("key-2"))
    with pytest.raises(UserTokenNotFound):
        house.update(stranger, token, picture(3), declaration=GIVEN)
    assert house.networks.embedded == [1, 2]
    assert house.noted()[-1] == ("face_update", "given", token)


def test_a_deletion_is_receipted_and_written_down(house: House) -> None:
    token = house.enrol(ACME, picture(1), declaration=GIVEN).user_token
    receipt = house.delete(ACME, token)
    assert receipt.event is DestructionEvent.DELETED
    assert house.noted()[-1] == ("face_delete", "not_needed", token)
    with pytest.raises(UserTokenNotFound):
        house.delete(ACME, token)


def test_the_same_person_matches_and_another_does_not(house: House) -> None:
    token = house.enrol(ACME, picture(1), declaration=GIVEN).user_token
    assert verify(house, token, picture(1)).similarity == pytest.approx(1.0, abs=1e-4)
    comparison = verify(house, token, picture(2))
    assert comparison.similarity < THRESHOLDS.similarity
    assert comparison.pad == PadScore(0.9)


@pytest.mark.parametrize(("shade", "pad"), [(2, 0.9), (1, 0.1)])
def test_a_wrong_face_and_a_dead_one_are_failures(house: House, shade: int, pad: float) -> None:
    token = house.enrol(ACME, picture(1), declaration=GIVEN).user_token
    house.networks.pad = PadScore(pad)
    for _ in range(10):
        verify(house, token, picture(shade))
    seen = len(house.networks.embedded)
    with pytest.raises(RateLimited):
        verify(house, token, picture(1))
    assert len(house.networks.embedded) == seen
    house.clock.pass_time(seconds=30)
    house.networks.pad = PadScore(0.9)
    verify(house, token, picture(1))
    assert house.store.failed[ACME.tenant_id, token].in_row == 0


def test_a_picture_without_a_face_is_no_failure(house: House) -> None:
    token = house.enrol(ACME, picture(1), declaration=GIVEN).user_token
    with pytest.raises(NoFaceDetected):
        verify(house, token, picture(0))
    assert house.store.failed[ACME.tenant_id, token].total == 0


def test_counting_can_be_turned_off(house: House) -> None:
    token = house.enrol(ACME, picture(1), declaration=GIVEN).user_token
    uncounted = replace(house.verify, guesses=None)
    for _ in range(12):
        uncounted(ACME, token, picture(2), declaration=GIVEN)


def test_a_reference_of_another_network_is_never_compared(house: House) -> None:
    token = house.enrol(ACME, picture(1), declaration=GIVEN).user_token
    house.networks.model = ModelName("new-net")
    with pytest.raises(ReferenceModelMismatch, match="new-net"):
        verify(house, token, picture(1))
    assert house.networks.embedded == [1]


def purge(house: House, days: float | None) -> PurgeExpired:
    lifetime = None if days is None else timedelta(days=days)
    return PurgeExpired(house.store, house.store, FakeSamples(house.store), house.clock, lifetime)


def test_what_is_too_old_is_destroyed_with_a_receipt(house: House) -> None:
    old = house.enrol(ACME, picture(1), declaration=GIVEN).user_token
    updated = house.enrol(ACME, picture(2), declaration=GIVEN).user_token
    house.clock.pass_time(days=20)
    house.update(ACME, updated, picture(2), declaration=GIVEN)
    house.clock.pass_time(days=20)
    assert purge(house, None)() == []
    receipts = purge(house, 30)()
    assert [receipt.event for receipt in receipts] == [DestructionEvent.EXPIRED]
    assert list(house.store.tokens(ACME.tenant_id)) == [updated]
    assert house.noted()[-1] == ("face_expire", "not_needed", old)
    assert purge(house, 30)() == []


def test_of_a_subject_with_newer_samples_only_the_old_ones_expire(house: House) -> None:
    token = house.enrol(ACME, picture(1), declaration=GIVEN).user_token
    house.clock.pass_time(days=20)
    at, newer = house.clock(), Template.of(np.eye(256, dtype=np.float32)[2], ModelName("net"))
    record = ReferenceRecord(token, newer.model, {}, at, at, SampleId("newer"))
    FakeSamples(house.store).add_sample(
        BiometricReference(record, newer), entry=house.store.ledger.entries[0], most=20
    )
    house.clock.pass_time(days=20)
    (receipt,) = purge(house, 30)()
    assert (receipt.event, "sample_sha256" in receipt.jws) == (DestructionEvent.EXPIRED, True)
    assert [it.record.name for it in house.store.faces(ACME.tenant_id, token)] == ["newer"]
    assert purge(house, 30)() == []
    house.clock.pass_time(days=20)
    assert len(purge(house, 30)()) == 1
    assert list(house.store.tokens(ACME.tenant_id)) == []


def test_two_purges_at_once_receipt_each_user_once(house: House) -> None:
    for n in range(250):
        house.enrol(ACME, picture(n % 200 + 1), declaration=GIVEN)
    house.clock.pass_time(days=2)

    class Meddling(FakeReferences):
        """Somebody else deletes one user between finding and destroying."""

        def delete(
            self,
            user_token: UserToken,
            *,
            entry: ConsentEntry,
            event: DestructionEvent = DestructionEvent.DELETED,
            not_updated_since: datetime | None = None,
        ) -> Receipt:
            if len(self.people) == 100:
                super().delete(user_token, entry=entry)
            return super().delete(
                user_token, entry=entry, event=event, not_updated_since=not_updated_since
            )

    store = Meddling(house.store.ledger, people=house.store.people, failed=house.store.failed)
    receipts = PurgeExpired(store, store, FakeSamples(store), house.clock, timedelta(days=1))()
    assert len(receipts) == 249
    assert store.people == {}


def test_old_retry_keys_are_forgotten(house: House) -> None:
    retry = RetryKey.of("form-1", request=b"r" * 32)
    house.enrol(ACME, picture(1), declaration=GIVEN, retry=retry)
    house.clock.time += RETRIES_KEPT
    purge(house, None)()
    assert house.store.retries
    house.clock.pass_time(seconds=1)
    purge(house, None)()
    assert not house.store.retries


def test_a_subject_is_told_everything_and_the_export_is_written_down(house: House) -> None:
    token = house.enrol(ACME, picture(3), declaration=GIVEN).user_token
    document = exporter(house.store, house.clock)(token)
    (held,) = document["subjects"]
    (face,) = held["samples"]
    assert (face["id"], face["modality"]) == (token, "face")
    assert face["template"]["model"] == "net"
    assert face["template"]["values"][3] == 1.0
    assert [e["operation"] for e in document["consent_ledger"]] == ["face_enrol"]
    assert house.noted()[-1] == ("subject_export", "not_needed", token)
    assert house.store.ledger.entries[-1].purpose == "testing"


def test_a_deleted_subject_is_told_what_is_left(house: House) -> None:
    token = house.enrol(ACME, picture(3), declaration=GIVEN).user_token
    receipt = house.delete(ACME, token)
    document = exporter(house.store, house.clock)(token)
    assert document["subjects"] == []
    assert document["receipts"] == [receipt.jws]
    with pytest.raises(UserTokenNotFound):
        exporter(house.store, house.clock)(UserToken("nobody"))


def test_a_face_that_nobody_could_be_recognised_by_is_no_match_and_no_failure(
    house: House,
) -> None:
    house.networks.traits = GOOD_TRAITS
    token = house.enrol(ACME, picture(1), declaration=GIVEN).user_token
    house.networks.traits = HOPELESS
    for shade in [1, 2] * 60:
        comparison = verify(house, token, picture(shade))
        assert (comparison.similarity, comparison.assessable) == (0.0, False)
    assert house.store.failed[ACME.tenant_id, token].total == 0
    house.networks.traits = GOOD_TRAITS
    assert verify(house, token, picture(1)).similarity > THRESHOLDS.similarity


def test_an_enrolled_capture_keeps_its_recognisability(house: House) -> None:
    house.networks.traits = GOOD_TRAITS
    record = house.enrol(ACME, picture(1), declaration=GIVEN)
    kept = house.store.find(ACME.tenant_id, record.user_token)
    assert kept.template.traits == GOOD_TRAITS
    assert record.quality["recognisability"] == pytest.approx(MODEL.of(kept.template), abs=1e-6)


@pytest.mark.parametrize(
    ("gate", "hopeless", "turned", "blurred"),
    [
        (EnrolmentGate.CONTRACT, True, True, True),
        (EnrolmentGate.STANDARD, False, False, True),
        (EnrolmentGate.STRICT, False, False, False),
    ],
)
def test_the_gate_lets_pass_what_it_says(
    gate: EnrolmentGate, hopeless: bool, turned: bool, blurred: bool
) -> None:
    house = House(gate=gate)

    def passes(traits: Traits, **metrics: float) -> bool:
        house.networks.traits, house.networks.metrics = traits, replace(GOOD, **metrics)
        try:
            house.enrol(ACME, picture(1), declaration=GIVEN)
        except ImageUnusable:
            return False
        return True

    assert passes(GOOD_TRAITS)
    assert passes(HOPELESS) == hopeless
    house.networks.pose = HeadPose(0, 0, 90)
    assert passes(GOOD_TRAITS)
    house.networks.pose = HeadPose(-50, 0, 0)
    assert passes(GOOD_TRAITS, rotation=50.0) == turned
    house.networks.pose = HeadPose(0, 0, 0)
    assert passes(GOOD_TRAITS, sharpness=0.1) == blurred
    house.networks.pad = PadScore(0.1)
    assert passes(GOOD_TRAITS) == (gate is not EnrolmentGate.STRICT)


def test_a_refusal_says_what_to_do() -> None:
    house = House(gate=EnrolmentGate.STANDARD)
    house.networks.traits = HOPELESS
    with pytest.raises(ImageUnusable, match=r"Show your whole face .*\.$"):
        house.enrol(ACME, picture(1), declaration=GIVEN)
    house.networks.traits = GOOD_TRAITS
    house.networks.metrics = replace(GOOD, rotation=50.0)
    house.networks.pose = HeadPose(50, 0, 0)
    with pytest.raises(ImageUnusable, match=r"Look straight into the camera\.$"):
        house.enrol(ACME, picture(1), declaration=GIVEN)
