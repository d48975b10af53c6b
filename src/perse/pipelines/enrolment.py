"""Enrol users, replace and destroy their templates, list them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from perse.domain.access import Caller
from perse.domain.consent import ConsentEntry, Declaration, Processing
from perse.domain.enrolment_gate import EnrolmentGate, check_exposure
from perse.domain.faces import AssessedFace, FaceThresholds
from perse.domain.receipts import Receipt
from perse.domain.references import (
    BiometricReference,
    Modality,
    ReferenceRecord,
    SampleId,
    Template,
    UserToken,
    new_user_token,
)
from perse.domain.resemblance import ResemblanceScale
from perse.domain.retries import RetryKey
from perse.pipelines.comparison import Picture
from perse.pipelines.consent import RecordConsent, naming
from perse.pipelines.detection import AssessFace, FindFaces
from perse.pipelines.ports import FaceEmbedder
from perse.pipelines.reference_ports import ReferenceStore


@dataclass(frozen=True, slots=True)
class CapturedReference:
    """A template good enough to be kept. ``quality``: the metrics of what was seen or heard, by
    name."""

    template: Template
    quality: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class CaptureReference:
    """The template of a picture's largest face, if that face may be enrolled.

    The pixels live no longer than the call. Raises NoFaceDetected, ImageUnderexposed or
    ImageOverexposed, and nothing is embedded then; ImageUnusable as ``gate`` says.
    """

    find: FindFaces
    assess: AssessFace
    embedder: FaceEmbedder
    scale: ResemblanceScale
    thresholds: FaceThresholds
    gate: EnrolmentGate = EnrolmentGate.CONTRACT

    def __call__(self, picture: Picture) -> CapturedReference:
        image = picture.load()
        found = self.find.largest(image, name=picture.name)
        face = self.assess(image, found)
        check_exposure(face.metrics, self.thresholds)
        template = self.embedder.embed(image, found.landmarks)
        face = replace(face, recognisability=self.scale.recognisability(template))
        self.gate.check(face, self.thresholds)
        return CapturedReference(template, quality_of(face))


def quality_of(face: AssessedFace) -> Mapping[str, float]:
    """What is kept of the quality of an enrolled face."""
    names = ("underexposure", "overexposure", "sharpness", "colour", "rotation")
    quality = {name: round(float(getattr(face.metrics, name)), 6) for name in names}
    if face.recognisability is not None:
        quality["recognisability"] = round(face.recognisability, 6)
    return quality


def nobody_waits() -> None:
    """For whoever need not hear that nothing is left to do but to store."""


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
        captured: Callable[[], None] = nobody_waits,
    ) -> ReferenceRecord:
        """``captured`` is called when nothing is left to do but to store."""
        entry = self.consent.entry(caller, Processing.ENROL, declaration)
        with self.consent.with_change(entry):
            made = retry and self.references.made_by(caller.tenant_id, retry)
            if made:
                self.consent.begin(naming(entry, made.user_token)).result()
                return made
            token = self.new_token()
            reference = reference_of(self.capture(picture), token, entry)
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
        captured: Callable[[], None] = nobody_waits,
    ) -> ReferenceRecord:
        """``captured`` is called when nothing is left to do but to store."""
        entry = self.consent.entry(caller, Processing.UPDATE, declaration, user_token)
        with self.consent.with_change(entry):
            self.references.record(caller.tenant_id, user_token)
            reference = reference_of(self.capture(picture), user_token, entry)
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


def reference_of(
    captured: CapturedReference,
    user_token: UserToken,
    entry: ConsentEntry,
    *,
    sample_id: SampleId | None = None,
    modality: Modality = Modality.FACE,
) -> BiometricReference:
    """What was captured for ``entry``, attributed to a user."""
    record = ReferenceRecord(
        user_token=user_token,
        model=captured.template.model,
        quality=captured.quality,
        created_at=entry.at,
        updated_at=entry.at,
        sample_id=sample_id,
        modality=modality,
    )
    return BiometricReference(record, captured.template)
