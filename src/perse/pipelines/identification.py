"""Who of a tenant's subjects is this, and do we know this person already?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from perse.domain.access import Caller
from perse.domain.faces import CapturedFace, ModelsByRole
from perse.domain.identification import (
    DEFAULT_FPIR,
    MOST_CANDIDATES,
    Candidate,
    FusedIdentification,
    Identification,
    SearchTerms,
)
from perse.domain.likeness import FaceLikeness, Likeness
from perse.domain.references import Modality, UserToken
from perse.domain.subjects import CollectionName
from perse.domain.voices import CapturedVoice
from perse.pipelines.comparison import CompareFaces, Picture
from perse.pipelines.ports import SideBySide, in_turn
from perse.pipelines.probe import Probe
from perse.pipelines.subject_ports import FuseModalities, KnownCollections, SubjectSearch
from perse.pipelines.voice import CompareVoices, Recording, no_voices
from perse.pipelines.voice_likeness import VoiceLikeness


@dataclass(frozen=True, slots=True)
class IdentifiedFace:
    """Who the largest face of a picture may be, and what is to be said of that face."""

    identification: Identification
    seen: CapturedFace
    models: ModelsByRole


@dataclass(frozen=True, slots=True)
class IdentifiedVoice:
    """Who may speak in a recording. ``obstacle``: why that cannot be told, as a sentence."""

    identification: Identification
    heard: CapturedVoice
    obstacle: str | None
    models: ModelsByRole


@dataclass(frozen=True, slots=True)
class Identified:
    """Each modality searched by itself, None where nothing was sent of it; ``fused``: both
    together, None where not both were sent, or nobody measured them together."""

    face: IdentifiedFace | None
    voice: IdentifiedVoice | None
    fused: FusedIdentification | None = None


@dataclass(frozen=True, slots=True)
class IdentifySubjects:
    """Use case: who of many is this? Possibly nobody.

    Raises CollectionNotFound, IndexLoading, SearchMemoryExceeded, ClusterUnavailable and NotFound
    where the pack compares no voices, all before it looks at pixels; NoFaceDetected and
    NoSpeechDetected. No guess is counted: nobody was claimed to be anybody. ``fusion`` None: nobody
    measured faces and voices together.
    """

    faces: CompareFaces
    voices: CompareVoices | None
    search: SubjectSearch
    collections: KnownCollections
    fusion: FuseModalities | None = None

    def __call__(
        self,
        caller: Caller,
        probe: Probe,
        terms: SearchTerms,
        *,
        side_by_side: SideBySide = in_turn,
    ) -> Identified:
        check_collection(self.collections, caller, terms.collection)
        picture, recording = probe.picture, probe.recording
        if picture:
            self.search.check_ready(caller.tenant_id, Modality.FACE)
        if recording:
            if self.voices is None:
                raise no_voices()
            self.search.check_ready(caller.tenant_id, Modality.VOICE)
        face, voice = side_by_side(
            lambda: self._face(caller, picture, terms) if picture else None,
            lambda: self._voice(caller, recording, terms) if recording else None,
        )
        return Identified(face, voice, self._fused(caller, face, voice, terms))

    def _face(self, caller: Caller, picture: Picture, terms: SearchTerms) -> IdentifiedFace:
        capture = self.faces.capture
        seen = capture(picture)
        likeness = self._face_likeness(seen)
        found = self.search.identify(caller.tenant_id, Modality.FACE, likeness, terms)
        return IdentifiedFace(found, seen, capture.models)

    def _voice(self, caller: Caller, recording: Recording, terms: SearchTerms) -> IdentifiedVoice:
        if self.voices is None:
            raise no_voices()
        capture = self.voices.capture
        heard = capture(recording)
        likeness = VoiceLikeness(heard, self.voices)
        found = self.search.identify(caller.tenant_id, Modality.VOICE, likeness, terms)
        return IdentifiedVoice(found, heard, likeness.obstacle, capture.models)

    def _face_likeness(self, seen: CapturedFace) -> FaceLikeness:
        return FaceLikeness(seen.template, self.faces.scale)

    def _fused(
        self,
        caller: Caller,
        face: IdentifiedFace | None,
        voice: IdentifiedVoice | None,
        terms: SearchTerms,
    ) -> FusedIdentification | None:
        if not (face and voice and self.voices and self.fusion):
            return None
        probes: dict[Modality, Likeness] = {
            Modality.FACE: self._face_likeness(face.seen),
            Modality.VOICE: VoiceLikeness(voice.heard, self.voices),
        }
        return self.search.identify_fused(caller.tenant_id, probes, self.fusion, terms)


@dataclass(frozen=True, slots=True)
class FindDuplicates:
    """Who is enrolled under another name already? For enrolments, before they store: of two that
    run at the same time neither finds the other.

    Raises CollectionNotFound, IndexLoading, SearchMemoryExceeded, ClusterUnavailable.
    """

    search: SubjectSearch
    collections: KnownCollections

    def check_ready(
        self, caller: Caller, modality: Modality, collection: CollectionName | None
    ) -> None:
        """Before anything is looked at. Raises as this does."""
        check_collection(self.collections, caller, collection)
        self.search.check_ready(caller.tenant_id, modality)

    def __call__(
        self,
        caller: Caller,
        likeness: Likeness,
        *,
        beside: UserToken | None = None,
        collection: CollectionName | None = None,
        fpir: float = DEFAULT_FPIR,
        modality: Modality = Modality.FACE,
    ) -> Identification:
        """Candidates other than ``beside``, who is being enrolled; ``subjects`` and comparisons
        count them where they were searched. ``collection``: None = everybody."""
        check_collection(self.collections, caller, collection)
        terms = SearchTerms(MOST_CANDIDATES, fpir, collection)
        found = self.search.identify(caller.tenant_id, modality, likeness, terms)
        others = (it for it in found.candidates if it.subject != beside)
        return replace(found, candidates=tuple(_ranked(others)))


def _ranked(candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    for rank, candidate in enumerate(candidates, 1):
        yield replace(candidate, rank=rank)


def check_collection(
    collections: KnownCollections, caller: Caller, name: CollectionName | None
) -> None:
    """Raises CollectionNotFound."""
    if name is not None:
        collections.get(caller.tenant_id, name)
