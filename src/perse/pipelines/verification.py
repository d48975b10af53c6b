"""Compare a picture with an enrolled user."""

from __future__ import annotations

from dataclasses import dataclass

from perse.domain.access import Caller
from perse.domain.decisions import PadScore
from perse.domain.faces import FaceComparison, FaceThresholds
from perse.domain.references import Template, UserToken
from perse.errors import ReferenceModelMismatch
from perse.pipelines.comparison import CompareFaces, Picture
from perse.pipelines.reference_ports import GuessLimiter, Now, ReferenceStore


@dataclass(frozen=True, slots=True)
class VerifyFace:
    """Use case: does the picture's largest face belong to the user, and is it live?

    ``guesses`` None: failed comparisons are not counted. Raises UserTokenNotFound,
    ReferenceModelMismatch, RateLimited or ReferenceLocked, all before it looks at pixels, and
    NoFaceDetected. A picture without a face is no failed comparison.
    """

    compare: CompareFaces
    thresholds: FaceThresholds
    references: ReferenceStore
    guesses: GuessLimiter | None
    now: Now

    def __call__(self, caller: Caller, user_token: UserToken, picture: Picture) -> FaceComparison:
        reference = self._reference(caller, user_token)
        probe = self.compare.capture(picture)
        comparison = self.compare.judge(probe.template, reference, probe.pad)
        if self.guesses:
            matched = is_match(comparison, self.thresholds)
            self.guesses.record(caller.tenant_id, user_token, matched=matched, at=self.now())
        return comparison

    def _reference(self, caller: Caller, user_token: UserToken) -> Template:
        if self.guesses:
            self.guesses.check(caller.tenant_id, user_token, at=self.now())
        template = self.references.find(caller.tenant_id, user_token).template
        network = self.compare.capture.embedder.model
        if template.model != network:
            raise ReferenceModelMismatch(
                f"this user was enrolled with {template.model}, and {network} is in use now: "
                "update the enrolment with a new picture"
            )
        return template


def is_match(comparison: FaceComparison, thresholds: FaceThresholds) -> bool:
    """One person, and live where that could be told."""
    same = comparison.similarity >= thresholds.similarity
    return same and _bona_fide(comparison.pad, thresholds.liveness)


def _bona_fide(pad: PadScore | None, threshold: float | None) -> bool:
    return pad is None or threshold is None or pad.value >= threshold
