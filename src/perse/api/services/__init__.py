"""What the HTTP side needs from the composition root."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from perse.api.services.liveness import Liveness
from perse.auth.authenticator import Authenticator
from perse.bootstrap.examination import Finding
from perse.domain.faces import FaceThresholds
from perse.domain.retries import NameRetry
from perse.domain.samples import FaceImage, ModelName, VoiceSample
from perse.domain.voices import VoiceComparison, VoiceThresholds
from perse.evaluation.shelf import EvaluationShelf
from perse.media.audio_length import AudioLength
from perse.media.image_decoder import ImageSize
from perse.pipelines.audit import AuditPages
from perse.pipelines.call_limits import CallLimits
from perse.pipelines.comparison import CompareFaces
from perse.pipelines.consent import RecordConsent
from perse.pipelines.detection import DetectFaces
from perse.pipelines.enrolment import DeleteReference, EnrolFace, UpdateReference
from perse.pipelines.identification import IdentifySubjects
from perse.pipelines.ports import SideBySide
from perse.pipelines.quotas import Allowances
from perse.pipelines.reference_ports import ReferenceList
from perse.pipelines.samples import AddFace, AddVoice, DeleteSample
from perse.pipelines.subject_export import ExportSubject
from perse.pipelines.subject_ledger import LedgerState, ShowLedger
from perse.pipelines.subject_ports import CollectionStore, SampleStore, SubjectStore
from perse.pipelines.subject_verification import VerifySubject
from perse.pipelines.subjects import (
    ChangeSubject,
    CreateSubject,
    DeleteSubject,
    ListSubjects,
    PutCollection,
    RemoveCollection,
)
from perse.pipelines.verification import VerifyFace
from perse.pipelines.voice import InspectVoice, Recording
from perse.search.tally import Tally
from perse.weights.cards import ModelCard, Role


class Decode(Protocol):
    def __call__(self, content: bytes, /) -> FaceImage:
        """Raises InvalidFileType and its kin for what is no acceptable picture."""
        ...


class MeasureImage(Protocol):
    def __call__(self, content: bytes, /) -> ImageSize:
        """By a quick look, without blocking."""
        ...


class Faces(Protocol):
    """The face pipelines of one pack; all of them block and may run side by side."""

    @property
    def decode(self) -> Decode: ...
    @property
    def measure(self) -> MeasureImage: ...
    @property
    def detect(self) -> DetectFaces: ...
    @property
    def compare(self) -> CompareFaces: ...
    @property
    def thresholds(self) -> FaceThresholds: ...


class DecodeVoice(Protocol):
    def __call__(self, content: bytes, /) -> VoiceSample:
        """Raises InvalidFileType and its kin for what is no acceptable recording."""
        ...


class MeasureVoice(Protocol):
    def __call__(self, content: bytes, /) -> AudioLength:
        """By a quick look, without blocking."""
        ...


class CompareVoice(Protocol):
    def __call__(
        self, first: Recording, second: Recording, *, side_by_side: SideBySide
    ) -> VoiceComparison: ...


class Voices(Protocol):
    """The voice pipeline of one pack; it blocks and may run side by side."""

    @property
    def decode(self) -> DecodeVoice: ...
    @property
    def measure(self) -> MeasureVoice: ...
    @property
    def inspect(self) -> InspectVoice: ...
    @property
    def compare(self) -> CompareVoice: ...
    @property
    def thresholds(self) -> VoiceThresholds: ...


class Enrolment(Protocol):
    """Enrolled users; all of it blocks. ``retry_key`` names a request that may come twice."""

    @property
    def enrol(self) -> EnrolFace: ...
    @property
    def update(self) -> UpdateReference: ...
    @property
    def delete(self) -> DeleteReference: ...
    @property
    def verify(self) -> VerifyFace: ...
    @property
    def users(self) -> ReferenceList: ...
    @property
    def retry_key(self) -> NameRetry: ...


class SearchIndex(Protocol):
    """What searches keep in memory, of all tenants."""

    @property
    def templates(self) -> int: ...
    @property
    def bytes_held(self) -> int: ...
    @property
    def loading(self) -> int:
        """How many tenants' are being read."""
        ...

    @property
    def behind_s(self) -> float:
        """For how long they may lack what was stored."""
        ...

    @property
    def tally(self) -> Tally: ...


class Searching(Protocol):
    """Searches among a tenant's subjects; all of it blocks."""

    @property
    def identify(self) -> IdentifySubjects: ...
    @property
    def index(self) -> SearchIndex: ...


class Subjects(Protocol):
    """Subjects with their samples and collections; all of it blocks. ``retry_key`` names a request
    that may come twice. ``add_voice``: None where the pack compares no voices."""

    @property
    def store(self) -> SubjectStore: ...
    @property
    def list(self) -> ListSubjects: ...
    @property
    def create(self) -> CreateSubject: ...
    @property
    def change(self) -> ChangeSubject: ...
    @property
    def delete(self) -> DeleteSubject: ...
    @property
    def collections(self) -> CollectionStore: ...
    @property
    def put_collection(self) -> PutCollection: ...
    @property
    def remove_collection(self) -> RemoveCollection: ...
    @property
    def samples(self) -> SampleStore: ...
    @property
    def add_face(self) -> AddFace: ...
    @property
    def add_voice(self) -> AddVoice | None: ...
    @property
    def delete_sample(self) -> DeleteSample: ...
    @property
    def verify(self) -> VerifySubject: ...
    @property
    def retry_key(self) -> NameRetry: ...


class History(Protocol):
    """What was done with people's data and what is held of it; all of it blocks. ``check``: of the
    ledger as a whole; ``audit``: what operators did."""

    @property
    def ledger(self) -> ShowLedger: ...
    @property
    def check(self) -> Callable[[], LedgerState]: ...
    @property
    def export(self) -> ExportSubject: ...
    @property
    def audit(self) -> AuditPages: ...


class Services(Protocol):
    """``models``, ``cards``: role -> network in use, and what the catalogue says of it.
    ``examine``: what works here and what does not; blocks. ``warm`` runs every network once, so
    that the first request is as fast as the tenth. ``close`` gives back what is held.
    ``call_limits``: None where nobody counts calls of keys."""

    @property
    def pack(self) -> str: ...
    @property
    def models(self) -> Mapping[str, ModelName]: ...
    @property
    def cards(self) -> Mapping[Role, ModelCard]: ...
    @property
    def examine(self) -> Callable[[], Sequence[Finding]]: ...
    @property
    def faces(self) -> Faces: ...
    @property
    def voices(self) -> Voices | None:
        """None where the pack compares no voices."""
        ...

    @property
    def authenticator(self) -> Authenticator: ...
    @property
    def consent(self) -> RecordConsent: ...
    @property
    def enrolment(self) -> Enrolment: ...
    @property
    def searching(self) -> Searching: ...
    @property
    def subjects(self) -> Subjects: ...
    @property
    def history(self) -> History: ...
    @property
    def evaluations(self) -> EvaluationShelf: ...
    @property
    def liveness(self) -> Liveness: ...
    @property
    def call_limits(self) -> CallLimits | None: ...
    @property
    def quotas(self) -> Allowances: ...

    def warm(self) -> None: ...

    def close(self) -> None: ...
