"""Enrolment with real use cases over fake pictures and a fake store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from perse.auth.api_keys import utc_now
from perse.domain.access import Caller, KeyId
from perse.domain.consent import Declaration
from perse.domain.decisions import PadScore
from perse.domain.faces import FaceComparison, FaceThresholds, FaceVerification
from perse.domain.quality import FaceMetrics
from perse.domain.references import Template, UserToken
from perse.domain.retries import RetryKey
from perse.domain.samples import ModelName
from perse.domain.throttling import Bucket, RateLimit
from perse.errors import NoFaceDetected, ReferenceModelMismatch
from perse.pipelines.comparison import Picture
from perse.pipelines.consent import RecordConsent
from perse.pipelines.enrolment import (
    CapturedReference,
    DeleteReference,
    EnrolFace,
    UpdateReference,
    check_exposure,
    metrics_by_name,
)
from tests.fake_storage import FakeGuesses, FakeReferences

DARK, BRIGHT = 250, 251
EMBEDDER = ModelName("fake-embedder")


def identity_of(picture: Picture) -> int:
    """The person that ``tests.fakes.picture`` shows. Raises NoFaceDetected."""
    shade = int(picture.load().pixels[0, 0, 0])
    if not shade:
        raise NoFaceDetected(f"no face is completely inside {picture.name}")
    return shade


def template_of(identity: int) -> Template:
    return Template(np.eye(256, dtype=np.float32)[identity], EMBEDDER)


@dataclass
class FakeEnrolment:
    consent: RecordConsent
    references: FakeReferences
    thresholds: FaceThresholds
    pad: Callable[[], PadScore | None]
    now: Callable[[], datetime] = utc_now
    moved: bool | None = None

    @property
    def enrol(self) -> EnrolFace:
        return EnrolFace(self._capture, self.references, self.consent)

    @property
    def update(self) -> UpdateReference:
        return UpdateReference(self._capture, self.references, self.consent)

    @property
    def delete(self) -> DeleteReference:
        return DeleteReference(self.references, self.consent)

    @property
    def users(self) -> FakeReferences:
        return self.references

    def verify(
        self, caller: Caller, user_token: UserToken, picture: Picture, *, declaration: Declaration
    ) -> FaceVerification:
        guesses = FakeGuesses(self.references)
        guesses.check(caller.tenant_id, user_token, at=self.now())
        reference = self.references.find(caller.tenant_id, user_token)
        if reference.template.model != EMBEDDER:
            raise ReferenceModelMismatch("enrolled with another network")
        same = reference.template.cosine(template_of(identity_of(picture))) > 0.5
        guesses.record(caller.tenant_id, user_token, matched=same, at=self.now())
        comparison = FaceComparison(
            similarity=0.93 if same else 0.31,
            supported=same,
            cosine=0.71 if same else 0.05,
            pad=self.pad(),
            models={"face_embedder": EMBEDDER},
        )
        return FaceVerification(comparison, self.thresholds, self.moved)

    def retry_key(self, name: str, content: bytes) -> RetryKey:
        return RetryKey.for_content(name, content, secret=bytes(32))

    def _capture(self, picture: Picture) -> CapturedReference:
        identity = identity_of(picture)
        metrics = FaceMetrics(
            underexposure=0.99 if identity == DARK else 0.08,
            overexposure=0.9 if identity == BRIGHT else 0.0,
            sharpness=0.81,
            colour=0.02,
            rotation=6.4,
        )
        check_exposure(metrics, self.thresholds)
        return CapturedReference(template_of(identity), metrics_by_name(metrics))


@dataclass
class FakeCallLimits:
    limit: RateLimit | None = None
    buckets: dict[KeyId, Bucket] = field(default_factory=dict)

    def take(self, key_id: KeyId) -> None:
        if self.limit:
            now = utc_now()
            bucket = self.buckets.get(key_id) or self.limit.full(now)
            self.buckets[key_id] = self.limit.take(bucket, now)
