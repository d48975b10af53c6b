"""Is a picture, a recording, or are both of a subject?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from perse.domain.access import Caller
from perse.domain.references import BiometricReference, Modality, UserToken
from perse.domain.subject_verification import (
    EnrolledSamples,
    FaceEvidence,
    FusedEvidence,
    Policy,
    SubjectVerification,
    VoiceEvidence,
    decide,
)
from perse.errors import InvalidParameter
from perse.pipelines.ports import SideBySide, in_turn
from perse.pipelines.probe import Probe
from perse.pipelines.reference_ports import GuessLimiter, Now
from perse.pipelines.sample_matching import MatchFaces, MatchVoices
from perse.pipelines.subject_ports import FuseModalities, SampleStore
from perse.pipelines.voice import no_voices


@dataclass(frozen=True, slots=True)
class PreviousFaces:
    """How subjects are compared whose faces are all of the network from which users are being
    moved. ``compares``: whether its time is not over. ``fusion``: as that of VerifySubject."""

    match: MatchFaces
    fusion: FuseModalities | None
    compares: Callable[[datetime], bool]


@dataclass(frozen=True, slots=True)
class VerifySubject:
    """Use case: is a picture of the subject, a recording, or are both, and is the face live?

    ``voices`` None: the networks compare none. ``fusion`` None: nobody measured faces and voices
    together. ``guesses`` None: failed comparisons are not counted; else they are for the subject as
    a whole.
    """

    samples: SampleStore
    faces: MatchFaces
    voices: MatchVoices | None
    fusion: FuseModalities | None
    guesses: GuessLimiter | None
    now: Now
    previous: PreviousFaces | None = None

    def __call__(
        self,
        caller: Caller,
        user_token: UserToken,
        probe: Probe,
        *,
        policy: Policy | None = None,
        side_by_side: SideBySide = in_turn,
    ) -> SubjectVerification:
        """``policy`` None: fused where that can be had, else all.

        Raises UserTokenNotFound, SampleNotFound, ReferenceModelMismatch, RateLimited,
        ReferenceLocked, NotFound and InvalidParameter, all before it looks at pixels or listens;
        NoFaceDetected and NoSpeechDetected.
        """
        policy = self._policy(policy)
        if self.guesses:
            self.guesses.check(caller.tenant_id, user_token, at=self.now())
        references = self.samples.references(caller.tenant_id, user_token)
        faces, fusion = self._faces(references)
        see, hear = _see(faces, probe, references), self._hear(probe, references)
        both = probe.picture is not None and probe.recording is not None
        face, voice = (side_by_side if both else in_turn)(see, hear)
        verified = _decided(face, voice, fusion, policy)
        guess = verified.guess
        if self.guesses and guess is not None:
            self.guesses.record(caller.tenant_id, user_token, guess, at=self.now())
        return verified

    def _policy(self, asked: Policy | None) -> Policy:
        if asked is None:
            return Policy.ALL if self.fusion is None else Policy.FUSED
        if asked is Policy.FUSED and self.fusion is None:
            raise InvalidParameter(
                "the networks of this server were not measured together: policy is any or all"
            )
        return asked

    def _faces(
        self, references: Sequence[BiometricReference]
    ) -> tuple[MatchFaces, FuseModalities | None]:
        """By which network faces are compared, and how they are fused with voices."""
        models = {it.record.model for it in references if it.record.modality is Modality.FACE}
        previous = self.previous
        if self.faces.network in models or previous is None:
            return self.faces, self.fusion
        if previous.match.network in models and previous.compares(self.now()):
            return previous.match, previous.fusion
        return self.faces, self.fusion

    def _hear(
        self, probe: Probe, references: Sequence[BiometricReference]
    ) -> Callable[[], VoiceEvidence | None]:
        recording, voices = probe.recording, self.voices
        if recording is None:
            return _nothing
        if voices is None:
            raise no_voices()
        enrolled = EnrolledSamples.among(references, Modality.VOICE, voices.network)
        return lambda: voices(recording, enrolled)


def _see(
    faces: MatchFaces, probe: Probe, references: Sequence[BiometricReference]
) -> Callable[[], FaceEvidence | None]:
    picture = probe.picture
    if picture is None:
        return _nothing
    enrolled = EnrolledSamples.among(references, Modality.FACE, faces.network)
    return lambda: faces(picture, enrolled)


def _decided(
    face: FaceEvidence | None,
    voice: VoiceEvidence | None,
    fusion: FuseModalities | None,
    policy: Policy,
) -> SubjectVerification:
    fused = _fused(face, voice, fusion) if face and voice and fusion else None
    decision, rule = decide([it for it in (face, voice) if it], policy, fused)
    return SubjectVerification(face, voice, fused, policy, decision, rule)


def _fused(face: FaceEvidence, voice: VoiceEvidence, fusion: FuseModalities) -> FusedEvidence:
    threshold = max(face.threshold, voice.threshold)
    if not (face.samples.assessable and voice.samples.assessable):
        return FusedEvidence(None, False, threshold)
    similarity = fusion.similarity(face.samples.similarity, voice.samples.similarity)
    return FusedEvidence(similarity, fusion.supported(similarity), threshold)


def _nothing() -> None:
    return None
