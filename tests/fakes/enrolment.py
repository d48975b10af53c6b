"""Enrolment over fake networks and a fake store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from perse.auth.api_keys import utc_now
from perse.domain.access import KeyId
from perse.domain.faces import FaceThresholds
from perse.domain.retries import NameRetry
from perse.domain.samples import ModelName
from perse.domain.throttling import Bucket, RateLimit
from perse.pipelines.consent import RecordConsent
from perse.pipelines.enrolment import DeleteReference, EnrolFace, UpdateReference
from perse.pipelines.moving import PreviousNetwork, Recognition
from perse.pipelines.verification import VerifyFace
from tests.fakes.faces import FakeFaces, SeeingEmbedder
from tests.fakes.storage import RETRY_KEY, FakeGuesses, FakeReferences


@dataclass
class FakeEnrolment:
    """``moved``: None while everybody is of the network in use; else everybody is of the previous
    one, and whether its users can be moved."""

    consent: RecordConsent
    references: FakeReferences
    faces: FakeFaces
    thresholds: FaceThresholds
    now: Callable[[], datetime] = utc_now
    moved: bool | None = None
    retry_key: NameRetry = RETRY_KEY

    @property
    def enrol(self) -> EnrolFace:
        return EnrolFace(self.faces.capture_reference, self.references, self.consent)

    @property
    def update(self) -> UpdateReference:
        return UpdateReference(self.faces.capture_reference, self.references, self.consent)

    @property
    def delete(self) -> DeleteReference:
        return DeleteReference(self.references, self.consent)

    @property
    def users(self) -> FakeReferences:
        return self.references

    @property
    def verify(self) -> VerifyFace:
        guesses, by = FakeGuesses(self.references), Recognition(self.faces.compare, self.thresholds)
        if self.moved is None:
            return VerifyFace(by, self.references, guesses, self.now)
        newer = replace(self.faces, embedder=SeeingEmbedder(ModelName("fake-embedder-2")))
        previous = PreviousNetwork(by, lambda *_: bool(self.moved))
        current = Recognition(newer.compare, self.thresholds)
        return VerifyFace(current, self.references, guesses, self.now, previous)


@dataclass
class FakeCallBuckets:
    """``limit`` None: nobody is refused."""

    limit: RateLimit | None = None
    buckets: dict[KeyId, Bucket] = field(default_factory=dict)

    def take(self, key_id: KeyId, *, at: datetime) -> None:
        if self.limit:
            bucket = self.buckets.get(key_id) or self.limit.full(at)
            self.buckets[key_id] = self.limit.take(bucket, at)
