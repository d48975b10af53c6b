"""Everything that the server serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from perse.auth.api_keys import ApiKeys
from perse.auth.authenticator import Authenticator
from perse.auth.session_tokens import SessionTokens
from perse.bootstrap.access import open_signing_keys
from perse.bootstrap.enrolment import (
    CallLimits,
    ConsentServices,
    EnrolmentServices,
    wire_call_limits,
    wire_consent,
    wire_enrolment,
)
from perse.bootstrap.faces import FaceServices, wire_faces
from perse.bootstrap.previous import wire_previous
from perse.bootstrap.storing import open_sealed_storage
from perse.bootstrap.voices import VoiceServices, wire_voices
from perse.bootstrap.warming import warm_faces, warm_voices
from perse.bootstrap.weights import PackOnDisk
from perse.domain.samples import ModelName
from perse.pipelines.consent import RecordConsent
from perse.settings import Settings
from perse.storage.opening import Storage


@dataclass(frozen=True, slots=True)
class Services:
    """The running installation; safe to share between threads. Close it when done."""

    settings: Settings
    on_disk: PackOnDisk
    faces: FaceServices
    voices: VoiceServices | None
    authenticator: Authenticator
    enrolment: EnrolmentServices
    call_limits: CallLimits | None
    ledger: ConsentServices
    storage: Storage

    @property
    def pack(self) -> str:
        return self.on_disk.pack.name

    @property
    def models(self) -> Mapping[str, ModelName]:
        return {role: card.name for role, card in self.on_disk.cards.items()}

    @property
    def consent(self) -> RecordConsent:
        return self.ledger.record

    def warm(self) -> None:
        """Run every network once, and read the longest lists of users."""
        previous = self.enrolment.verify.previous
        warm_faces(self.faces, previous.recognition if previous else None)
        if self.voices:
            warm_voices(self.voices)
        self.storage.reference_list.read_ahead()

    def close(self) -> None:
        """Write what is waiting and let go of the database."""
        self.enrolment.close()
        self.ledger.close()
        self.storage.close()


def open_services(settings: Settings, on_disk: PackOnDisk) -> Services:
    """Open networks and storage and wire them. Raises SetupError."""
    faces = wire_faces(settings, on_disk)
    storage = open_sealed_storage(settings)
    ledger = wire_consent(settings, storage)
    previous = wire_previous(settings, on_disk, faces, storage.references, ledger.record)
    tokens = SessionTokens(open_signing_keys(settings))
    return Services(
        settings=settings,
        on_disk=on_disk,
        faces=faces,
        voices=wire_voices(settings, on_disk),
        authenticator=Authenticator(ApiKeys(storage.keys), tokens),
        enrolment=wire_enrolment(settings, faces, storage, ledger.record, previous),
        call_limits=wire_call_limits(settings, storage),
        ledger=ledger,
        storage=storage,
    )
