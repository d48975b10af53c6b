"""What a verification answers, in the words of ``/v1``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from perse.api.http.answers import Answer, Success
from perse.api.v0.measures import Models, PointIds, Share, Thresholds, number
from perse.api.v0.voice_wire import WireRecording, recording_wire
from perse.api.v1.liveness_wire import liveness_wire
from perse.domain.subject_verification import (
    Evidence,
    FaceEvidence,
    FusedEvidence,
    SubjectVerification,
    VoiceEvidence,
    outcome_of,
)

Decision = Literal["match", "no_match", "not_assessable"]


class WireEvidence(Answer):
    decision: Decision = Field(description="What this says by itself.")
    similarity: Share = Field(description="With all samples together.")
    similarity_assessable: bool = Field(
        description="False where too little of a person is seen or heard; then similarity is 0."
    )
    similarity_obstacle: str | None = Field(
        None, description="Why the similarity is not assessable, and what the person can do."
    )
    similarity_supported: bool = Field(
        description="Whether the similarity lies between measured operating points."
    )
    threshold: Share = Field(description="From this similarity on it matches.")
    thresholds: Thresholds
    operating_points: PointIds
    best: Share = Field(description="The highest similarity with a single sample.")
    best_sample: str | None = Field(None, description="That sample.")
    samples_compared: int = Field(ge=0, description="How many samples were compared.")
    other_networks: int = Field(
        ge=0, description="How many were not, because another network made them."
    )


class WireFaceEvidence(WireEvidence):
    recognisability: Share | None = Field(None, description="Of the face that was sent.")
    liveness_score: Share | None = Field(
        None, description="1 = surely a live person. Absent where the pack cannot tell."
    )
    liveness_threshold: Share | None = Field(None, description="Below it nothing matches.")
    liveness_assessable: bool | None = Field(
        None, description="False where the face is too small, dark, bright, blurred or turned."
    )
    liveness_obstacle: str | None = Field(None, description="Why liveness is not assessable.")


class WireVoiceEvidence(WireEvidence):
    recording: WireRecording


class WireFusion(Answer):
    similarity: Share | None = Field(
        None, description="Absent where only one of the two could be assessed."
    )
    similarity_supported: bool
    threshold: Share


class VerifyAnswer(Success):
    decision: Decision
    rule: Literal["face", "voice", "any", "all", "fused"] = Field(
        description="What decided: the only one that was sent or could be assessed, or the policy."
    )
    policy: Literal["any", "all", "fused"]
    face: WireFaceEvidence | None = Field(None, description="Where a picture was sent.")
    voice: WireVoiceEvidence | None = Field(None, description="Where a recording was sent.")
    fused: WireFusion | None = Field(
        None, description="Where both were sent and the networks were measured together."
    )
    models: Models


def verify_answer(verified: SubjectVerification, *, time_taken: float) -> VerifyAnswer:
    """``time_taken``: seconds."""
    face, voice, fused = verified.face, verified.voice, verified.fused
    models = {role: name for it in (face, voice) if it for role, name in it.samples.models.items()}
    return VerifyAnswer.model_validate(
        {
            "decision": verified.decision,
            "rule": verified.rule,
            "policy": verified.policy,
            "face": face and _face(face),
            "voice": voice and _voice(voice),
            "fused": fused and _fused(fused),
            "models": models,
            "time_taken": time_taken,
        }
    )


def _evidence(evidence: Evidence) -> dict[str, object]:
    samples, thresholds = evidence.samples, evidence.thresholds
    return {
        "decision": outcome_of(evidence),
        "similarity": number(samples.similarity),
        "similarity_assessable": samples.assessable,
        "similarity_obstacle": samples.obstacle,
        "similarity_supported": samples.supported,
        "threshold": number(evidence.threshold),
        "thresholds": dict(thresholds.similarity_by_fmr),
        "operating_points": dict(thresholds.operating_points),
        "best": number(samples.best),
        "best_sample": samples.best_sample,
        "samples_compared": samples.compared,
        "other_networks": samples.other_networks,
    }


def _face(evidence: FaceEvidence) -> dict[str, object]:
    seen = evidence.seen
    known = seen.recognisability
    return {
        **_evidence(evidence),
        "recognisability": None if known is None else number(known),
        **liveness_wire(seen, evidence.thresholds),
    }


def _voice(evidence: VoiceEvidence) -> dict[str, object]:
    requirements = evidence.thresholds.recording
    return {
        **_evidence(evidence),
        "recording": recording_wire(evidence.heard.quality, requirements),
    }


def _fused(fused: FusedEvidence) -> dict[str, object]:
    return {
        "similarity": None if fused.similarity is None else number(fused.similarity),
        "similarity_supported": fused.supported,
        "threshold": number(fused.threshold),
    }
