"""Stand-ins at our own ports: small, honest, without networks, files or SQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
from starlette.types import ASGIApp

from perse.api.app import create_app
from perse.auth.api_keys import ApiKeys, utc_now
from perse.auth.authenticator import Authenticator
from perse.auth.session_tokens import SessionTokens
from perse.auth.signing_keys import SigningKey, SigningKeys
from perse.domain.access import ApiKey, KeyId
from perse.domain.decisions import PadScore
from perse.domain.faces import AssessedFace, FaceComparison, FaceDetection, FaceThresholds
from perse.domain.geometry import Box, DetectedFace, HeadPose, Landmarks
from perse.domain.quality import FaceMetrics, ImageMetrics
from perse.domain.samples import FaceImage, ModelName
from perse.errors import InvalidFileType, InvalidParameter, NoFaceDetected, NotFound
from perse.media.image_decoder import ImageSize
from perse.pipelines.comparison import Picture
from perse.pipelines.consent import RecordConsent
from perse.pipelines.ports import SideBySide
from perse.settings import Settings
from tests.fake_enrolment import FakeCallLimits, FakeEnrolment
from tests.fake_storage import FakeLedger, FakeReferences
from tests.voice_fakes import FakeVoices

FACE_MAGIC = b"\xff\xd8\xff fake picture\r\n\x00"
EMPTY_SCENE = FACE_MAGIC + b"no face"
MODELS: Mapping[str, ModelName] = {
    "face_detector": ModelName("fake-detector"),
    "face_embedder": ModelName("fake-embedder"),
}


def picture(identity: int = 1, *, size: int = 0) -> bytes:
    """Bytes that ``FakeFaces`` takes for a picture of that person, ``size`` bytes or more long."""
    padding = b"\r\n--\x00\xff" * (max(0, size) // 6 + 1)
    return FACE_MAGIC + bytes([identity]) + padding


class MemoryKeys:
    """A key store in memory; the contract that ``SqlKeys`` keeps too."""

    def __init__(self) -> None:
        self._keys: dict[KeyId, ApiKey] = {}

    def add(self, key: ApiKey) -> None:
        if any(other.name == key.name and other.active for other in self._keys.values()):
            raise InvalidParameter(f"there is an active key named {key.name!r}")
        self._keys[key.key_id] = key

    def find(self, digest: bytes) -> ApiKey | None:
        found = (key for key in self._keys.values() if key.digest == digest and key.active)
        return next(found, None)

    def get(self, key_id: KeyId) -> ApiKey | None:
        key = self._keys.get(key_id)
        return key if key and key.active else None

    def all(self) -> Sequence[ApiKey]:
        return sorted(self._keys.values(), key=lambda key: key.created_at)

    def active_named(self, name: str) -> ApiKey:
        for key in self._keys.values():
            if key.name == name and key.active:
                return key
        raise NotFound(f"there is no active key named {name!r}")

    def revoke(self, name: str, *, at: datetime) -> ApiKey:
        key = replace(self.active_named(name), revoked_at=at)
        self._keys[key.key_id] = key
        return key

    def rotate(self, key: ApiKey, *, retired_name: str) -> ApiKey:
        old = replace(self.active_named(key.name), name=retired_name)
        self._keys[old.key_id] = old
        self._keys[key.key_id] = key
        return old


LIVE = PadScore(0.97)


def face(*, pad: PadScore | None = LIVE) -> AssessedFace:
    points = np.array([[40, 50], [70, 50.4], [55, 64.6], [44, 80], [66, 80]], np.float32)
    return AssessedFace(
        DetectedFace(Box(30.4, 20.6, 50.0, 75.0), Landmarks(points), 0.98),
        HeadPose(3.0, -2.0, 1.0),
        FaceMetrics(
            underexposure=0.08, overexposure=0.0, sharpness=0.81, colour=0.02, rotation=6.4
        ),
        pad,
    )


THRESHOLDS = FaceThresholds(
    underexposure=0.85,
    overexposure=0.03,
    sharpness=0.3,
    colour=0.5,
    rotation=25.0,
    similarity=0.8,
    similarity_by_fmr={"1e-2": 0.6, "1e-3": 0.7, "1e-4": 0.8, "1e-5": 0.9},
    liveness=0.7,
)


@dataclass
class FakeFaces:
    """Pictures are ``picture(identity)``; equal identities match. ``before`` runs in every
    pipeline, on its worker thread: it may block, count or raise."""

    thresholds: FaceThresholds = THRESHOLDS
    pad: PadScore | None = LIVE
    before: Callable[[], None] = lambda: None
    decoded: list[int] = field(default_factory=list)
    sizes: dict[bytes, ImageSize] = field(default_factory=dict)

    def decode(self, content: bytes) -> FaceImage:
        if not content.startswith(FACE_MAGIC):
            raise InvalidFileType("this is no JPEG, PNG or WebP picture")
        self.decoded.append(len(content))
        shade = 0 if content == EMPTY_SCENE else content[len(FACE_MAGIC)]
        return FaceImage(np.full((100, 120, 3), shade, np.uint8))

    def measure(self, content: bytes) -> ImageSize:
        return self.sizes.get(content, ImageSize(12_000, 12_000))

    def detect(self, image: FaceImage, *, side_by_side: SideBySide) -> FaceDetection:
        self.before()
        faces = (face(pad=self.pad),) if image.pixels[0, 0, 0] else ()
        return FaceDetection(faces, ImageMetrics(0.11, 0.01, 0.77, 0.02), MODELS)

    def compare(
        self, first: Picture, second: Picture, *, side_by_side: SideBySide
    ) -> FaceComparison:
        self.before()
        one, other = side_by_side(lambda: _identity(first), lambda: _identity(second))
        same = one == other
        return FaceComparison(
            similarity=0.93 if same else 0.31,
            supported=same,
            cosine=0.71 if same else 0.05,
            pad=self.pad,
            models=MODELS,
        )


def _identity(given: Picture) -> int:
    shade = int(given.load().pixels[0, 0, 0])
    if not shade:
        raise NoFaceDetected(f"no face is completely inside {given.name}")
    return shade


def settings(**changes: object) -> Settings:
    """Settings of a small server, whatever the environment says."""
    return Settings.model_validate({"workers": 2, "queue_size": 2, **changes})


@dataclass
class FakeServices:
    """Everything the app asks of the composition root, with one API key ready."""

    settings: Settings = field(default_factory=settings)
    faces: FakeFaces = field(default_factory=FakeFaces)
    voices: FakeVoices | None = field(default_factory=FakeVoices)
    store: MemoryKeys = field(default_factory=MemoryKeys)
    pack: str = "fake"
    models: Mapping[str, ModelName] = field(default_factory=lambda: MODELS)
    warmed: threading.Event = field(default_factory=threading.Event)
    closed: bool = False

    def __post_init__(self) -> None:
        self.keys = ApiKeys(self.store)
        self.signing_keys = SigningKeys((SigningKey.generate(),))
        self.authenticator = Authenticator(self.keys, SessionTokens(self.signing_keys))
        _, self.api_key = self.keys.create("first")
        self.ledger = FakeLedger()
        self.consent = RecordConsent(
            self.ledger, utc_now, required=self.settings.consent == "required"
        )
        self.references = FakeReferences(self.ledger)
        self.enrolment = FakeEnrolment(
            self.consent, self.references, self.faces.thresholds, pad=lambda: self.faces.pad
        )
        self.call_limits = FakeCallLimits()

    def warm(self) -> None:
        self.warmed.set()

    def close(self) -> None:
        self.closed = True


def app_over(services: FakeServices) -> ASGIApp:
    return create_app(services, services.settings)
