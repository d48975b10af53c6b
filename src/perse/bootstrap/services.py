"""Everything that the server serves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from perse.auth.api_keys import ApiKeys, utc_now
from perse.auth.authenticator import Authenticator
from perse.auth.session_tokens import SessionTokens
from perse.bootstrap.actors import the_server
from perse.bootstrap.enrolment import (
    ConsentServices,
    EnrolmentServices,
    wire_call_limits,
    wire_consent,
    wire_enrolment,
)
from perse.bootstrap.examination import Finding, recent_examination
from perse.bootstrap.faces import FaceServices
from perse.bootstrap.ground import Ground, lay_ground
from perse.bootstrap.history import HistoryServices, wire_history
from perse.bootstrap.liveness import LivenessServices, wire_liveness
from perse.bootstrap.previous_network import wire_previous
from perse.bootstrap.searching import SearchServices, wire_search
from perse.bootstrap.service_terms import terms_of_service
from perse.bootstrap.storage import open_storage
from perse.bootstrap.subjects import SubjectServices, wire_subjects
from perse.bootstrap.voices import VoiceServices
from perse.bootstrap.warm_up import warm_faces, warm_voices
from perse.bootstrap.weights import PackOnDisk
from perse.domain.samples import ModelName
from perse.evaluation.shelf import EvaluationShelf
from perse.pipelines.call_limits import CallLimits
from perse.pipelines.consent import RecordConsent
from perse.pipelines.quotas import Allowances
from perse.settings import Settings
from perse.storage.storage import Storage
from perse.weights.cards import ModelCard, Role


@dataclass(frozen=True, slots=True)
class Services:
    """The running installation; safe to share between threads. Close it when done.

    ``models``, ``cards``: role -> network in use, and what the catalogue says of it."""

    pack: str
    models: Mapping[str, ModelName]
    cards: Mapping[Role, ModelCard]
    examine: Callable[[], Sequence[Finding]]
    faces: FaceServices
    voices: VoiceServices | None
    authenticator: Authenticator
    enrolment: EnrolmentServices
    searching: SearchServices
    subjects: SubjectServices
    history: HistoryServices
    evaluations: EvaluationShelf
    liveness: LivenessServices
    call_limits: CallLimits | None
    quotas: Allowances
    ledger: ConsentServices
    storage: Storage

    @property
    def consent(self) -> RecordConsent:
        return self.ledger.record

    def warm(self) -> None:
        """Run every network once, look for a key, and read the longest lists of users."""
        previous = self.enrolment.verify.previous
        warm_faces(self.faces, previous.recognition if previous else None)
        if self.voices:
            warm_voices(self.voices)
        self.authenticator.keys.find(str(uuid4()))  # nobody's
        self.storage.reference_list.read_ahead()

    def close(self) -> None:
        """Write what is waiting and let go of the database."""
        self.searching.close()
        self.liveness.close()
        self.enrolment.close()
        self.ledger.close()
        self.storage.close()


def open_services(settings: Settings, on_disk: PackOnDisk) -> Services:
    """Open networks and storage and wire them. Raises SetupError."""
    return build_services(settings, lay_ground(settings, on_disk))


def build_services(settings: Settings, ground: Ground) -> Services:
    """Open storage and wire everything over it. Raises SetupError."""
    on_disk, faces = ground.on_disk, ground.faces
    storage = open_storage(settings, ground.signing_keys, the_server())
    storage.journal.note_news(terms_of_service(settings, ground))
    ledger = wire_consent(settings, storage)
    previous = wire_previous(settings, ground, storage.references, ledger.record)
    searching = wire_search(settings, faces, ground.voices, storage)
    subjects = wire_subjects(
        settings, faces, ground.voices, storage, ledger.record, searching.duplicates, previous
    )
    keys = ground.signing_keys
    return Services(
        pack=on_disk.pack.name,
        models={role: card.name for role, card in on_disk.cards.items()},
        cards=on_disk.cards,
        examine=recent_examination(settings),
        faces=faces,
        voices=ground.voices,
        authenticator=Authenticator(ApiKeys(storage.keys), SessionTokens(keys)),
        enrolment=wire_enrolment(settings, faces, storage, ledger.record, previous),
        searching=searching,
        subjects=subjects,
        liveness=wire_liveness(settings, subjects, storage, ledger.record, ground),
        history=wire_history(storage, ledger.record),
        evaluations=EvaluationShelf(settings.effective_evaluations_dir),
        call_limits=wire_call_limits(settings, storage),
        quotas=Allowances(storage.quotas, utc_now),
        ledger=ledger,
        storage=storage,
    )
