"""Compare a picture with an enrolled user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perse.domain.access import Caller
from perse.domain.consent import Declaration
from perse.domain.decisions import PadScore
from perse.domain.faces import CapturedFace, FaceComparison, FaceThresholds, FaceVerification
from perse.domain.references import BiometricReference, Modality, UserToken
from perse.domain.samples import ModelName
from perse.domain.throttling import Guess
from perse.errors import ReferenceModelMismatch
from perse.pipelines.comparison import Picture
from perse.pipelines.moving import PreviousNetwork, Recognition, Sighting
from perse.pipelines.reference_ports import GuessLimiter, Now, ReferenceStore


@dataclass(frozen=True, slots=True)
class VerifyFace:
    """Use case: does the picture's largest face belong to the user, and is it live?

    Of several faces of a user, all of the network in use decide together. A user of the previous
    network is compared by that one and may be moved. ``guesses`` None: failed comparisons are not
    counted. Raises UserTokenNotFound, ReferenceModelMismatch, RateLimited or ReferenceLocked, all
    before it looks at pixels, and NoFaceDetected. A picture without a face, or with one that nobody
    could be recognised by, is no failed comparison and says nothing about the user.
    """

    current: Recognition
    references: ReferenceStore
    guesses: GuessLimiter | None
    now: Now
    previous: PreviousNetwork | None = None

    def __call__(
        self, caller: Caller, user_token: UserToken, picture: Picture, *, declaration: Declaration
    ) -> FaceVerification:
        faces, network = self._faces(caller, user_token), self.current.compare.capture.embedder
        known = [face for face in faces if face.record.model == network.model]
        if not known:
            previous = self._previous_for(faces[-1].record.model)
            return self._by_previous(previous, caller, faces[-1], picture, declaration)
        probe = self.current.compare.capture(picture)
        comparison = self._judged(self.current, caller, known, probe)
        return FaceVerification(comparison, self.current.thresholds)

    def _by_previous(
        self,
        previous: PreviousNetwork,
        caller: Caller,
        reference: BiometricReference,
        picture: Picture,
        declaration: Declaration,
    ) -> FaceVerification:
        image, by = picture.load(), previous.recognition
        probe = by.compare.capture(Picture(picture.name, lambda: image))
        comparison = self._judged(by, caller, [reference], probe)
        moved = previous.move(caller, Sighting(reference, image, probe, comparison), declaration)
        return FaceVerification(comparison, by.thresholds, moved)

    def _judged(
        self,
        by: Recognition,
        caller: Caller,
        faces: Sequence[BiometricReference],
        probe: CapturedFace,
    ) -> FaceComparison:
        templates = [face.template for face in faces]
        comparison = by.compare.judge_with_all(probe.template, templates, (probe.assessed,))
        if self.guesses and comparison.assessable:
            guess = Guess.of(Modality.FACE, matched=is_match(comparison, by.thresholds))
            user_token = faces[0].record.user_token
            self.guesses.record(caller.tenant_id, user_token, guess, at=self.now())
        return comparison

    def _faces(self, caller: Caller, user_token: UserToken) -> Sequence[BiometricReference]:
        if self.guesses:
            self.guesses.check(caller.tenant_id, user_token, at=self.now())
        return self.references.faces(caller.tenant_id, user_token)

    def _previous_for(self, model: ModelName) -> PreviousNetwork:
        """The previous network, for users of its own."""
        network = self.current.compare.capture.embedder.model
        if self.previous and self.previous.compares(model, at=self.now()):
            return self.previous
        raise ReferenceModelMismatch(
            f"this user was enrolled with {model}, and {network} is in use now: "
            "update the enrolment with a new picture"
        )


def is_match(comparison: FaceComparison, thresholds: FaceThresholds) -> bool:
    """One person, where that could be told, and live where that could be."""
    same = comparison.assessable and comparison.similarity >= thresholds.similarity
    return same and _bona_fide(comparison.pad, thresholds.liveness)


def _bona_fide(pad: PadScore | None, threshold: float | None) -> bool:
    return pad is None or threshold is None or pad.value >= threshold
