"""Enrol users, replace and destroy their templates, list them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from perse.domain.access import Caller
from perse.domain.consent import ConsentEntry, Declaration, Processing
from perse.domain.faces import FaceThresholds
from perse.domain.quality import FaceMetrics
from perse.domain.receipts import Receipt
from perse.domain.references import (
    BiometricReference,
    ReferenceRecord,
    Template,
    UserToken,
    new_user_token,
)
from perse.domain.retries import RetryKey
from perse.errors import ImageOverexposed, ImageUnderexposed
from perse.pipelines.comparison import Picture
from perse.pipelines.consent import RecordConsent, naming
from perse.pipelines.detection import FindFaces
from perse.pipelines.ports import FaceEmbedder, PoseEstimator, QualityAssessor
from perse.pipelines.reference_ports import ReferenceStore


@dataclass(frozen=True, slots=True)
class CapturedReference:
    """A template good enough to be kept. ``quality``: the face's metrics by name."""

    template: Template
    quality: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class CaptureReference:
    """The template of a picture's largest face, if it is neither too dark nor too bright.

    The pixels live no longer than the call. Raises NoFaceDetected, ImageUnderexposed or
    ImageOverexposed; nothing is embedded then.
    """

    find: FindFaces
    pose: PoseEstimator
    quality: QualityAssessor
    embedder: FaceEmbedder
    thresholds: FaceThresholds

    def __call__(self, picture: Picture) -> CapturedReference:
        image = picture.load()
        face = self.find.largest(image, name=picture.name)
        metrics = self.quality.of_face(image, face, self.pose.estimate(image, face))
        check_exposure(metrics, self.thresholds)
        template = self.embedder.embed(image, face.landmarks)
        return CapturedReference(template, metrics_by_name(metrics))


def check_exposure(metrics: FaceMetrics, thresholds: FaceThresholds) -> None:
    """Raises ImageUnderexposed or ImageOverexposed above the threshold."""
    if metrics.underexposure > thresholds.underexposure:
        raise ImageUnderexposed(
            f"the face is too dark: {metrics.underexposure:.2f} of it is black, at most "
            f"{thresholds.underexposure:.2f} may be; turn towards the light, or add some"
        )
    if metrics.overexposure > thresholds.overexposure:
        raise ImageOverexposed(
            f"the face is burnt out: {metrics.overexposure:.2f} of it is white, at most "
            f"{thresholds.overexposure:.2f} may be; leave the direct light or flash"
        )


def metrics_by_name(metrics: FaceMetrics) -> Mapping[str, float]:
    """What is kept of the quality of an enrolled face."""
    names = ("underexposure", "overexposure", "sharpness", "colour", "rotation")
    return {name: round(float(getattr(metrics, name)), 6) for name in names}


def _nobody_waits() -> None: ...


@dataclass(frozen=True, slots=True)
class EnrolFace:
    """Use case: keep the template of a new user.

    A ``retry`` that has been answered before gets the same user again, and nothing is processed.
    """

    capture: Callable[[Picture], CapturedReference]
    references: ReferenceStore
    consent: RecordConsent
    new_token: Callable[[], UserToken] = new_user_token

    def __call__(
        self,
        caller: Caller,
        picture: Picture,
        *,
        declaration: Declaration,
        retry: RetryKey | None = None,
        captured: Callable[[], None] = _nobody_waits,
    ) -> ReferenceRecord:
        """``captured`` is called when nothing is left to do but to store."""
        entry = self.consent.entry(caller, Processing.ENROL, declaration)
        with self.consent.with_change(entry):
            made = retry and self.references.made_by(caller.tenant_id, retry)
            if made:
                self.consent.begin(naming(entry, made.user_token)).result()
                return made
            token = self.new_token()
            reference = _reference(self.capture(picture), token, entry)
            captured()
            return self.references.add(reference, entry=naming(entry, token), retry=retry)


@dataclass(frozen=True, slots=True)
class UpdateReference:
    """Use case: replace a user's template. Raises UserTokenNotFound before it looks at pixels."""

    capture: Callable[[Picture], CapturedReference]
    references: ReferenceStore
    consent: RecordConsent

    def __call__(
        self,
        caller: Caller,
        user_token: UserToken,
        picture: Picture,
        *,
        declaration: Declaration,
        captured: Callable[[], None] = _nobody_waits,
    ) -> ReferenceRecord:
        """``captured`` is called when nothing is left to do but to store."""
        entry = self.consent.entry(caller, Processing.UPDATE, declaration, user_token)
        with self.consent.with_change(entry):
            self.references.record(caller.tenant_id, user_token)
            reference = _reference(self.capture(picture), user_token, entry)
            captured()
            return self.references.replace(reference, entry=entry)


@dataclass(frozen=True, slots=True)
class DeleteReference:
    """Use case: destroy a user's template and data key, and say so in writing.

    Raises UserTokenNotFound.
    """

    references: ReferenceStore
    consent: RecordConsent

    def __call__(self, caller: Caller, user_token: UserToken) -> Receipt:
        entry = self.consent.entry(caller, Processing.DELETE, Declaration.NOT_NEEDED, user_token)
        return self.references.delete(user_token, entry=entry)


def _reference(
    captured: CapturedReference, user_token: UserToken, entry: ConsentEntry
) -> BiometricReference:
    record = ReferenceRecord(
        user_token=user_token,
        model=captured.template.model,
        quality=captured.quality,
        created_at=entry.at,
        updated_at=entry.at,
    )
    return BiometricReference(record, captured.template)
