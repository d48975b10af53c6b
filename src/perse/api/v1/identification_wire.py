"""What a search answers, in the words of ``/v1``."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field, FiniteFloat

from perse.api.http.answers import Answer, Success
from perse.api.v0.examples import EXAMPLE_TOKEN
from perse.api.v0.measures import Models, PointIds, Share, number
from perse.domain.faces import AssessedFace, FaceThresholds
from perse.domain.identification import MOST_CANDIDATES, Candidate, Identification, SearchThreshold
from perse.domain.verdicts import judge_face, liveness_obstacle
from perse.pipelines.identification import IdentifiedFace

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


class SearchDefaults(Answer):
    liveness: Share | None = None


class IdentifyAnswer(Success):
    candidates: Annotated[
        list[WireCandidate],
        Field(max_length=MOST_CANDIDATES, description="Possibly none, which is an answer."),
    ]
    threshold: WireSearchThreshold
    subjects: int = Field(ge=0, description="How many subjects were searched.")
    similarity_assessable: bool = Field(
        description="False where the face says too little of a person; then nobody is a candidate."
    )
    similarity_obstacle: str | None = Field(
        None, description="Why it is not assessable, and what the person can do."
    )
    recognisability: Share | None = Field(
        None,
        description="Share of such captures that are recognised in a good picture of the person.",
    )
    liveness_score: Share | None = Field(
        None, description="1 = surely a live person. Absent where the pack cannot tell."
    )
    liveness_assessable: bool | None = Field(
        None, description="False where the face is too small, dark, bright, blurred or turned."
    )
    liveness_obstacle: str | None = Field(None, description="Why liveness is not assessable.")
    default_thresholds: SearchDefaults
    operating_points: PointIds
    models: Models


def identify_answer(
    found: IdentifiedFace, thresholds: FaceThresholds, *, time_taken: float
) -> IdentifyAnswer:
    """``time_taken``: seconds."""
    identification, face = found.identification, found.probe.assessed
    known = identification.recognisability
    return IdentifyAnswer(
        candidates=[_candidate(it) for it in identification.candidates],
        threshold=_threshold(identification.threshold),
        subjects=identification.subjects,
        similarity_assessable=identification.assessable,
        similarity_obstacle=_obstacle(identification, face, thresholds),
        recognisability=None if known is None else number(known),
        **_liveness(face, thresholds),
        default_thresholds=SearchDefaults(liveness=thresholds.liveness),
        operating_points=dict(thresholds.operating_points),
        models=dict(found.models),
        time_taken=time_taken,
    )


def _candidate(candidate: Candidate) -> WireCandidate:
    return WireCandidate(
        rank=candidate.rank,
        subject_id=candidate.subject,
        external_id=candidate.external_id,
        similarity=number(candidate.similarity),
        sample_id=candidate.sample or candidate.subject,
    )


def _threshold(threshold: SearchThreshold) -> WireSearchThreshold:
    return WireSearchThreshold(
        similarity=number(threshold.similarity),
        fpir=threshold.fpir,
        comparisons=threshold.comparisons,
        supported=threshold.supported,
        largest_supported=threshold.largest_supported,
    )


def _obstacle(
    identification: Identification, face: AssessedFace, thresholds: FaceThresholds
) -> str | None:
    if identification.assessable:
        return None
    judged = judge_face(replace(face, recognisability=identification.recognisability), thresholds)
    return next((verdict.guidance for verdict in judged.values() if not verdict.passed), None)


def _liveness(face: AssessedFace, thresholds: FaceThresholds) -> dict[str, Any]:
    """Nothing where there is no score."""
    if face.pad is None:
        return {}
    obstacle = liveness_obstacle(face, judge_face(face, thresholds))
    return {
        "liveness_score": number(face.pad.value),
        "liveness_assessable": obstacle is None,
        "liveness_obstacle": obstacle,
    }


EXAMPLE: dict[str, Any] = {
    "candidates": [
        {
            "rank": 1,
            "subject_id": EXAMPLE_TOKEN,
            "external_id": "account-4711",
            "similarity": 0.94,
            "sample_id": "0b0a6b7e-5d0b-4b54-8a51-8b1f6f2f2c10",
        }
    ],
    "threshold": {
        "similarity": 0.9,
        "fpir": 0.01,
        "comparisons": 1000,
        "supported": True,
        "largest_supported": 1005,
    },
    "subjects": 640,
    "similarity_assessable": True,
    "recognisability": 0.96,
    "liveness_score": 0.97,
    "liveness_assessable": True,
    "default_thresholds": {"liveness": 0.7},
    "operating_points": {"similarity": "catalogue", "liveness": "catalogue"},
    "models": {
        "face_detector": "yunet",
        "face_embedder": "sface",
        "face_attack_detector": "perse_pad",
    },
    "time_taken": 0.061,
    "status": 200,
}
