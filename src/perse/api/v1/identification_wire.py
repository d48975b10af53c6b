"""What a search answers, in the words of ``/v1``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field, FiniteFloat

from perse.api.http.answers import Answer, Success
from perse.api.v0.examples import COMPARE, EXAMPLE_TOKEN, VOICE_COMPARE
from perse.api.v0.measures import Models, PointIds, Share, number
from perse.api.v0.voice_wire import WireRecording, recording_wire
from perse.api.v1.liveness_wire import liveness_wire
from perse.domain.faces import AssessedFace, FaceThresholds
from perse.domain.identification import (
    MOST_CANDIDATES,
    BestSample,
    Candidate,
    FusedIdentification,
    Identification,
    SearchThreshold,
)
from perse.domain.verdicts import judge_face
from perse.domain.voices import VoiceThresholds
from perse.pipelines.identification import IdentifiedFace, IdentifiedVoice

PARTIAL = (
    "True where some of the samples could not be searched, because machines that hold them do not "
    "answer: no candidate says nothing then. Search again."
)
Rate = Annotated[FiniteFloat, Field(gt=0, lt=1)]


class WireCandidate(Answer):
    """Somebody similar enough: a hint for a person who may say no."""

    rank: int = Field(ge=1, description="From 1 on, the most similar first.")
    subject_id: str = Field(description="Whose it may be; the `user_token` of `/v0`.")
    external_id: str | None = Field(None, description="Your own name for the subject.")
    similarity: Share = Field(description="What comparing with the best sample answers.")
    sample_id: str = Field(description="The sample of the subject that is the most similar.")


class WireSearchThreshold(Answer):
    similarity: Share = Field(description="From here on somebody is a candidate.")
    fpir: Rate = Field(description="The rate that was asked for.")
    comparisons: int = Field(ge=0, description="How many samples were searched.")
    supported: bool = Field(
        description="Whether anybody has measured errors as rare as this rate asks of so many "
        "comparisons. If not, nobody knows how often strangers are candidates."
    )
    largest_supported: int = Field(
        ge=0, description="How many samples the measured errors carry at this rate."
    )


class WireSearch(Answer):
    candidates: Annotated[
        list[WireCandidate],
        Field(max_length=MOST_CANDIDATES, description="Possibly none, which is an answer."),
    ]
    threshold: WireSearchThreshold
    subjects: int = Field(ge=0, description="How many subjects were searched.")
    partial: bool = Field(description=PARTIAL)
    similarity_assessable: bool = Field(
        description="False where too little of a person is seen or heard; then nobody is a "
        "candidate."
    )
    similarity_obstacle: str | None = Field(
        None, description="Why it is not assessable, and what the person can do."
    )
    operating_points: PointIds


class WireFaceSearch(WireSearch):
    recognisability: Share | None = Field(None, description="Of the face that was sent.")
    liveness_score: Share | None = Field(
        None, description="1 = surely a live person. Absent where the pack cannot tell."
    )
    liveness_threshold: Share | None = Field(None, description="Below it take nobody for found.")
    liveness_assessable: bool | None = Field(
        None, description="False where the face is too small, dark, bright, blurred or turned."
    )
    liveness_obstacle: str | None = Field(None, description="Why liveness is not assessable.")


class WireVoiceSearch(WireSearch):
    recording: WireRecording


class WireBestSample(Answer):
    similarity: Share = Field(description="What comparing with this sample answers.")
    sample_id: str = Field(description="The sample of the subject that is the most similar.")


class WireFusedCandidate(Answer):
    """Somebody whose face and voice together are similar enough."""

    rank: int = Field(ge=1, description="From 1 on, the most similar first.")
    subject_id: str = Field(description="Whose they may be.")
    external_id: str | None = Field(None, description="Your own name for the subject.")
    similarity: Share = Field(description="Of face and voice together, on the scale of each.")
    face: WireBestSample
    voice: WireBestSample


class WireFusedSearch(Answer):
    """Among those who have a face and a voice. ``threshold.comparisons`` counts pairs of both."""

    candidates: Annotated[
        list[WireFusedCandidate],
        Field(max_length=MOST_CANDIDATES, description="Possibly none, which is an answer."),
    ]
    threshold: WireSearchThreshold
    subjects: int = Field(ge=0, description="At most so many subjects have a face and a voice.")
    partial: bool = Field(description=PARTIAL)
    similarity_assessable: bool = Field(
        description="False where the face or the voice is not; then nobody is a candidate."
    )


class IdentifyAnswer(Success):
    """A stranger has the chance of ``fpir`` in each search."""

    face: WireFaceSearch | None = Field(None, description="Where a picture was sent.")
    voice: WireVoiceSearch | None = Field(None, description="Where a recording was sent.")
    fused: WireFusedSearch | None = Field(
        None, description="Where both were sent and the networks were measured together."
    )
    models: Models


def face_search(found: IdentifiedFace, thresholds: FaceThresholds) -> WireFaceSearch:
    """Of the largest face of a picture."""
    identification, known = found.identification, found.identification.recognisability
    face = replace(found.seen.assessed, recognisability=known)
    return WireFaceSearch(
        **_search(identification, thresholds.operating_points),
        similarity_obstacle=None if identification.assessable else _advice(face, thresholds),
        recognisability=None if known is None else number(known),
        **liveness_wire(face, thresholds),
    )


def voice_search(found: IdentifiedVoice, thresholds: VoiceThresholds) -> WireVoiceSearch:
    """Of the voice in a recording."""
    return WireVoiceSearch(
        **_search(found.identification, thresholds.operating_points),
        similarity_obstacle=found.obstacle,
        recording=recording_wire(found.heard.quality, thresholds.recording),
    )


def fused_search(found: FusedIdentification) -> WireFusedSearch:
    """Of face and voice together."""
    return WireFusedSearch(
        candidates=[
            WireFusedCandidate(
                rank=it.rank,
                subject_id=it.subject,
                external_id=it.external_id,
                similarity=number(it.similarity),
                face=_best(it.face),
                voice=_best(it.voice),
            )
            for it in found.candidates
        ],
        threshold=wire_threshold(found.threshold),
        subjects=found.subjects,
        partial=found.partial,
        similarity_assessable=found.assessable,
    )


def _best(sample: BestSample) -> WireBestSample:
    return WireBestSample(similarity=number(sample.similarity), sample_id=sample.sample)


def _search(identification: Identification, points: Mapping[str, str]) -> dict[str, Any]:
    return {
        "candidates": [wire_candidate(it) for it in identification.candidates],
        "threshold": wire_threshold(identification.threshold),
        "subjects": identification.subjects,
        "partial": identification.partial,
        "similarity_assessable": identification.assessable,
        "operating_points": dict(points),
    }


def wire_candidate(candidate: Candidate) -> WireCandidate:
    """One of those that a search found."""
    return WireCandidate(
        rank=candidate.rank,
        subject_id=candidate.subject,
        external_id=candidate.external_id,
        similarity=number(candidate.similarity),
        sample_id=candidate.sample or candidate.subject,
    )


def wire_threshold(threshold: SearchThreshold) -> WireSearchThreshold:
    """What a search asked of similarities."""
    return WireSearchThreshold(
        similarity=number(threshold.similarity),
        fpir=threshold.fpir,
        comparisons=threshold.comparisons,
        supported=threshold.supported,
        largest_supported=threshold.largest_supported,
    )


def _advice(face: AssessedFace, thresholds: FaceThresholds) -> str | None:
    verdicts = judge_face(face, thresholds).values()
    return next((verdict.guidance for verdict in verdicts if not verdict.passed), None)


def _example(similarity: float, threshold: dict[str, Any], sample: str) -> dict[str, Any]:
    return {
        "candidates": [
            {
                "rank": 1,
                "subject_id": EXAMPLE_TOKEN,
                "external_id": "account-4711",
                "similarity": similarity,
                "sample_id": sample,
            }
        ],
        "threshold": {"fpir": 0.01, **threshold},
        "partial": False,
        "similarity_assessable": True,
    }


_FACE_ID, _VOICE_ID = (
    "0b0a6b7e-5d0b-4b54-8a51-8b1f6f2f2c10",
    "c1f0a0de-1f0e-4e58-9f8e-5d6a1c1c9a77",
)
EXAMPLE: dict[str, Any] = {
    "face": {
        **_example(
            0.94,
            {"similarity": 0.9, "comparisons": 1000, "supported": True, "largest_supported": 1005},
            _FACE_ID,
        ),
        "subjects": 640,
        "operating_points": {"similarity": "catalogue", "liveness": "catalogue"},
        "recognisability": 0.96,
        "liveness_score": 0.97,
        "liveness_threshold": 0.7,
        "liveness_assessable": True,
    },
    "voice": {
        **_example(
            0.81,
            {"similarity": 0.8, "comparisons": 100, "supported": False, "largest_supported": 10},
            _VOICE_ID,
        ),
        "subjects": 90,
        "operating_points": {"similarity": "catalogue"},
        "recording": VOICE_COMPARE["recordings"][0],
    },
    "fused": {
        "candidates": [
            {
                "rank": 1,
                "subject_id": EXAMPLE_TOKEN,
                "external_id": "account-4711",
                "similarity": 1.0,
                "face": {"similarity": 0.94, "sample_id": _FACE_ID},
                "voice": {"similarity": 0.81, "sample_id": _VOICE_ID},
            }
        ],
        "threshold": {
            "similarity": 0.8,
            "fpir": 0.01,
            "comparisons": 100,
            "supported": True,
            "largest_supported": 1005,
        },
        "subjects": 90,
        "partial": False,
        "similarity_assessable": True,
    },
    "models": {
        **COMPARE["models"],
        "face_attack_detector": "perse_pad",
        **VOICE_COMPARE["models"],
    },
    "time_taken": 0.071,
    "status": 200,
}
