"""What the command line does with subjects, wired as a server wires it; also beside servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perse.bootstrap.enrolment import wire_consent
from perse.bootstrap.faces import FaceServices, wire_faces
from perse.bootstrap.searching import wire_search
from perse.bootstrap.storage import open_storage
from perse.bootstrap.subjects import SubjectServices, wire_subjects
from perse.bootstrap.voices import VoiceServices, wire_voices
from perse.bootstrap.weights import PackOnDisk
from perse.domain.access import Caller
from perse.domain.consent import Declaration, Processing
from perse.domain.faces import FaceThresholds
from perse.domain.identification import SearchTerms
from perse.domain.references import Modality
from perse.domain.samples import FaceImage
from perse.domain.subjects import CollectionName
from perse.pipelines.comparison import Picture
from perse.pipelines.consent import RecordConsent
from perse.pipelines.identification import IdentifiedFace, IdentifySubjects
from perse.pipelines.probe import Probe
from perse.pipelines.subject_import import ByContent, ImportFile, Intake
from perse.pipelines.subjects import DeleteSubject
from perse.pipelines.voice import Recording
from perse.settings import Settings
from perse.storage.storage import Storage


@contextmanager
def opened_import(
    settings: Settings, on_disk: PackOnDisk, collections: frozenset[CollectionName]
) -> Iterator[ImportFile]:
    """With the thread that writes the ledger. Raises SetupError."""
    faces, voices = wire_faces(settings, on_disk), wire_voices(settings, on_disk)
    with open_storage(settings) as storage, closing(wire_consent(settings, storage)) as consent:
        services = wire_subjects(settings, faces, voices, storage, consent.record)
        yield ImportFile(
            services.store,
            intakes_of(services, faces, voices),
            ByContent(services.samples, services.retry_key),
            collections,
        )


@dataclass(frozen=True, slots=True)
class Identification:
    """Searches of the command line: each is in the consent ledger once, before it is answered."""

    decode: Callable[[bytes], FaceImage]
    thresholds: FaceThresholds
    identify: IdentifySubjects
    consent: RecordConsent

    def __call__(
        self, caller: Caller, picture: Path, terms: SearchTerms, declaration: Declaration
    ) -> IdentifiedFace:
        """Raises what IdentifySubjects raises, and EnduserConsentRequired. IndexLoading and
        SearchMemoryExceeded come before anything is written or read: ask again."""
        self.identify.search.check_ready(caller.tenant_id, Modality.FACE)
        entry = self.consent.entry(caller, Processing.IDENTIFY, declaration)
        written = self.consent.begin(entry)
        self.consent.check(entry)
        probe = Picture(str(picture), lambda: self.decode(picture.read_bytes()))
        found = self.identify(caller, Probe(picture=probe), terms).face
        written.result()
        assert found is not None  # noqa: S101 - there is a picture
        return found


@contextmanager
def opened_identification(settings: Settings, on_disk: PackOnDisk) -> Iterator[Identification]:
    """With an index in this memory, also where servers have a cluster; zeroed in the end. Raises
    SetupError."""
    faces = wire_faces(settings, on_disk)
    own = settings.model_copy(update={"cluster": None})
    with (
        open_storage(settings) as storage,
        closing(wire_consent(settings, storage)) as consent,
        closing(wire_search(own, faces, None, storage)) as search,
    ):
        yield Identification(faces.decode, faces.thresholds, search.identify, consent.record)


@contextmanager
def opened_deletion(settings: Settings, storage: Storage) -> Iterator[DeleteSubject]:
    """With the thread that writes the ledger."""
    with closing(wire_consent(settings, storage)) as consent:
        yield DeleteSubject(storage.subjects, consent.record)


def intakes_of(
    services: SubjectServices, faces: FaceServices, voices: VoiceServices | None
) -> Mapping[Modality, Intake[Any]]:
    """What becomes of files, by modality: as over HTTP."""
    intakes: dict[Modality, Intake[Any]] = {
        Modality.FACE: Intake(
            services.add_face, lambda name, data: Picture(name, lambda: faces.decode(data))
        )
    }
    if voices and services.add_voice:
        decode = voices.decode
        intakes[Modality.VOICE] = Intake(
            services.add_voice, lambda name, data: Recording(name, lambda: decode(data))
        )
    return intakes
