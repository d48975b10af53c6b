"""Who of many is this?"""

from __future__ import annotations

from dataclasses import dataclass

from perse_client.call import Call, form
from perse_client.operations.measures import Answer, Models, PointIds
from perse_client.operations.voices import Recording
from perse_client.uploads import Upload


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Somebody similar enough: a hint for a person who may say no. ``rank``: from 1 on."""

    rank: int
    subject_id: str
    external_id: str | None
    similarity: float
    sample_id: str


@dataclass(frozen=True, kw_only=True)
class SearchThreshold:
    """``similarity``: from here on somebody is a candidate, for the rate ``fpir`` and so many
    ``comparisons``. ``supported``: whether measured errors carry that; ``largest_supported``: how
    many comparisons they carry."""

    similarity: float
    fpir: float
    comparisons: int
    supported: bool
    largest_supported: int


@dataclass(frozen=True, kw_only=True)
class Search:
    """``candidates``: the most similar first, possibly nobody. ``subjects``: how many were
    searched. ``partial``: some could not be, and nobody found says nothing: search again."""

    candidates: tuple[Candidate, ...]
    threshold: SearchThreshold
    subjects: int
    partial: bool
    similarity_assessable: bool
    similarity_obstacle: str | None
    operating_points: PointIds


@dataclass(frozen=True, kw_only=True)
class FaceSearch(Search):
    """``liveness_threshold``: below it take nobody for found."""

    recognisability: float | None
    liveness_score: float | None
    liveness_threshold: float | None
    liveness_assessable: bool | None
    liveness_obstacle: str | None


@dataclass(frozen=True, kw_only=True)
class VoiceSearch(Search):
    recording: Recording


@dataclass(frozen=True, kw_only=True)
class BestSample:
    """The sample of a subject that is the most similar, and how similar."""

    similarity: float
    sample_id: str


@dataclass(frozen=True, kw_only=True)
class FusedCandidate:
    """Somebody whose face and voice together are similar enough. ``rank``: from 1 on."""

    rank: int
    subject_id: str
    external_id: str | None
    similarity: float
    face: BestSample
    voice: BestSample


@dataclass(frozen=True, kw_only=True)
class FusedSearch:
    """Among those who have a face and a voice, at most ``subjects``. ``threshold.comparisons``
    counts pairs of both. ``partial``: as of ``Search``."""

    candidates: tuple[FusedCandidate, ...]
    threshold: SearchThreshold
    subjects: int
    partial: bool
    similarity_assessable: bool


@dataclass(frozen=True, kw_only=True)
class Identification(Answer):
    """Each of the two is searched by itself, and where both were sent, both together (``fused``,
    None where the networks were not measured together)."""

    face: FaceSearch | None
    voice: VoiceSearch | None
    fused: FusedSearch | None
    models: Models


def identify(
    *,
    image: Upload | None = None,
    audio: Upload | None = None,
    collection: str | None = None,
    max_candidates: int | None = None,
    fpir: float | None = None,
    consent: bool | None = None,
) -> Call[Identification]:
    """Search all subjects, or those of a collection, for a face, a voice or both. ``fpir``: in how
    many searches for people who are not there may anybody be found."""
    return form(
        "/v1/identify",
        Identification,
        files={"image_file": image, "audio_file": audio},
        consent=consent,
        collection=collection,
        max_candidates=max_candidates,
        fpir=fpir,
    )
