"""Subjects over fake networks and a fake store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from perse.auth.api_keys import utc_now
from perse.domain.enrolment_gate import EnrolmentGate
from perse.domain.likeness import FaceLikeness
from perse.domain.references import Modality
from perse.domain.retries import NameRetry
from perse.domain.sample_fusion import SampleFusion
from perse.domain.voice_enrolment import VoiceGate
from perse.domain.voices import CapturedVoice
from perse.pipelines.consent import RecordConsent
from perse.pipelines.identification import FindDuplicates
from perse.pipelines.sample_matching import MatchFaces, MatchVoices
from perse.pipelines.samples import (
    AddFace,
    AddVoice,
    CaptureVoiceReference,
    DeleteSample,
    FindOthers,
)
from perse.pipelines.subject_ports import FuseModalities
from perse.pipelines.subject_verification import VerifySubject
from perse.pipelines.subjects import (
    ChangeSubject,
    CreateSubject,
    DeleteSubject,
    ListSubjects,
    PutCollection,
    RemoveCollection,
)
from perse.pipelines.voice_likeness import VoiceLikeness
from tests.fakes.faces import SCALE as FACE_SCALE
from tests.fakes.faces import FakeFaces
from tests.fakes.storage import RETRY_KEY, FakeGuesses, FakeReferences
from tests.fakes.subjects import FakeCollections, FakeSamples, FakeSubjects
from tests.fakes.voices import LIMITS, FakeVoices

MOST = 3


@dataclass(frozen=True)
class HigherSimilarity:
    def similarity(self, face: float, voice: float) -> float:
        return max(face, voice)

    def supported(self, similarity: float) -> bool:
        return True

    def floors(self, fused: float) -> tuple[float, float]:
        return 0.0, 0.0


@dataclass
class FakeSubjectServices:
    consent: RecordConsent
    users: FakeReferences
    faces: FakeFaces
    voices: FakeVoices | None
    find: FindDuplicates
    fusion: FuseModalities | None = HigherSimilarity()
    gate: EnrolmentGate = EnrolmentGate.STANDARD
    now: Callable[[], datetime] = utc_now
    retry_key: NameRetry = RETRY_KEY

    def __post_init__(self) -> None:
        self.collections = FakeCollections(self.users)
        self.store = FakeSubjects(self.users, self.collections)
        self.samples = FakeSamples(self.users)

    @property
    def list(self) -> ListSubjects:
        return ListSubjects(self.store, self.collections)

    @property
    def create(self) -> CreateSubject:
        return CreateSubject(self.store, self.consent)

    @property
    def change(self) -> ChangeSubject:
        return ChangeSubject(self.store, self.consent)

    @property
    def delete(self) -> DeleteSubject:
        return DeleteSubject(self.store, self.consent)

    @property
    def put_collection(self) -> PutCollection:
        return PutCollection(self.collections, self.consent)

    @property
    def remove_collection(self) -> RemoveCollection:
        return RemoveCollection(self.collections, self.consent)

    @property
    def add_face(self) -> AddFace:
        capture = self.faces.capture_reference
        others = FindOthers(lambda it: FaceLikeness(it.template, FACE_SCALE), self.find)
        return AddFace(Modality.FACE, capture, self.samples, self.consent, MOST, others)

    @property
    def add_voice(self) -> AddVoice | None:
        if self.voices is None:
            return None
        compare = self.voices.comparison
        gate = VoiceGate(self.gate, LIMITS, self.voices.thresholds.recording)
        capture = CaptureVoiceReference(compare.capture, gate)
        others = FindOthers(lambda it: VoiceLikeness(CapturedVoice.kept_as(it), compare), self.find)
        return AddVoice(Modality.VOICE, capture, self.samples, self.consent, MOST, others)

    @property
    def delete_sample(self) -> DeleteSample:
        return DeleteSample(self.samples, self.consent)

    @property
    def verify(self) -> VerifySubject:
        voices = self.voices
        return VerifySubject(
            self.samples,
            MatchFaces(self.faces.compare, self.faces.thresholds),
            MatchVoices(voices.comparison, voices.thresholds, SampleFusion()) if voices else None,
            self.fusion,
            FakeGuesses(self.users),
            self.now,
        )
