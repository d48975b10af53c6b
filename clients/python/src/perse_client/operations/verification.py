"""Is this the subject?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from perse_client.call import Call, form
from perse_client.operations.measures import Answer, Models, PointIds, Thresholds
from perse_client.operations.subjects import path_of
from perse_client.operations.voices import Recording
from perse_client.uploads import Upload

Policy = Literal["any", "all", "fused"]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a face or a voice says by itself. ``decision``: match, no_match or not_assessable.
    ``similarity``: with all samples together; ``best``: with the single sample ``best_sample``."""

    decision: str
    similarity: float
    similarity_assessable: bool
    similarity_obstacle: str | None
    similarity_supported: bool
    threshold: float
    thresholds: Thresholds
    operating_points: PointIds
    best: float
    best_sample: str | None
    samples_compared: int
    other_networks: int


@dataclass(frozen=True, kw_only=True)
class FaceEvidence(Evidence):
    """``liveness_threshold``: below it nothing matches."""

    recognisability: float | None
    liveness_score: float | None
    liveness_threshold: float | None
    liveness_assessable: bool | None
    liveness_obstacle: str | None


@dataclass(frozen=True, kw_only=True)
class VoiceEvidence(Evidence):
    recording: Recording


@dataclass(frozen=True, kw_only=True)
class Fusion:
    """``similarity``: None where only one of the two could be assessed."""

    similarity: float | None
    similarity_supported: bool
    threshold: float


@dataclass(frozen=True, kw_only=True)
class Verification(Answer):
    """``decision``: match, no_match, or not_assessable, where too little of a person is seen or
    heard. ``rule``: what decided, face, voice, any, all or fused."""

    decision: str
    rule: str
    policy: str
    face: FaceEvidence | None
    voice: VoiceEvidence | None
    fused: Fusion | None
    models: Models

    @property
    def is_match(self) -> bool:
        """It is the subject. Liveness of a face has been looked at."""
        return self.decision == "match"


def verify_subject(
    subject_id: str,
    *,
    image: Upload | None = None,
    audio: Upload | None = None,
    policy: Policy | None = None,
    consent: bool | None = None,
) -> Call[Verification]:
    """Compare a picture, a recording or both with all samples of a subject. ``policy``: how both
    decide together."""
    return form(
        f"{path_of(subject_id)}/verify",
        Verification,
        files={"image_file": image, "audio_file": audio},
        consent=consent,
        policy=policy,
    )
