"""What is seen on the frames of a session, one after the other."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol

from perse.domain.faces import AssessedFace, FaceThresholds, ModelsByRole
from perse.domain.geometry import DetectedFace
from perse.domain.references import Template
from perse.domain.resemblance import ResemblanceScale
from perse.domain.samples import FaceImage
from perse.domain.session_frames import ObservedFrame, Tracks, faces_before_camera
from perse.domain.session_guidance import Sight
from perse.domain.verdicts import judge_face
from perse.errors import InvalidParameter
from perse.pipelines.detection import AssessFace, FindFaces
from perse.pipelines.ports import FaceEmbedder

# A template takes longer than everything else of a frame together: so often there is one, and on a
# server that is so busy that frames are rare, of no more than one in so many.
EMBEDDED_EVERY_S: Final = 0.7
EMBEDDED_EVERY: Final = 4
# Whom a busy server has not looked at for so long may be somebody else.
EMBEDDED_AFTER_S: Final = 1.0
_CAPTURED: Final = struct.Struct(">d")
_LATEST_MS: Final = 2.0**53  # up to here a double counts whole milliseconds


class FollowPoints(Protocol):
    """Follows points of one face from frame to frame; keeps what it needs of the last ones."""

    def __call__(self, image: FaceImage, face: DetectedFace | None) -> Tracks | None:
        """Where the points are now; ``face`` None: no face was found."""
        ...


@dataclass(frozen=True, slots=True)
class SentFrame:
    """``content``: a JPEG. ``client_at_s``: when it was taken, by the client's own clock."""

    content: bytes
    client_at_s: float

    @classmethod
    def parse(cls, message: bytes) -> SentFrame:
        """The wire's form: milliseconds as a big-endian double, then the picture. Raises
        InvalidParameter."""
        if len(message) <= _CAPTURED.size:
            raise InvalidParameter("a frame is 8 bytes of time and a JPEG picture")
        (captured_ms,) = _CAPTURED.unpack_from(message)
        if not (math.isfinite(captured_ms) and abs(captured_ms) <= _LATEST_MS):
            raise InvalidParameter("the time of a frame is a finite number of milliseconds")
        return cls(message[_CAPTURED.size :], captured_ms / 1000)


@dataclass(frozen=True, slots=True)
class BestFrame:
    """The frame that says most of the person. Its pixels live no longer than the session.
    ``at_s``: of the observed frame."""

    at_s: float
    image: FaceImage
    sha256: str
    worth: tuple[bool, float]


@dataclass(frozen=True, slots=True)
class FrameSensing:
    """What looks at frames; shared by all sessions. ``follow``: makes a follower for one."""

    decode: Callable[[bytes], FaceImage]
    find: FindFaces
    assess: AssessFace
    embedder: FaceEmbedder
    scale: ResemblanceScale
    thresholds: FaceThresholds
    follow: Callable[[], FollowPoints]

    @property
    def models(self) -> ModelsByRole:
        models = {
            "face_detector": self.find.detector.model,
            "pose_estimator": self.assess.pose.model,
            "face_embedder": self.embedder.model,
        }
        if self.assess.attacks:
            models["face_attack_detector"] = self.assess.attacks.model
        return models


class FrameWatch:
    """Looks at the frames of one session, one at a time and in their order."""

    def __init__(self, sensing: FrameSensing) -> None:
        self._sensing = sensing
        self._follow = sensing.follow()
        self._embedded_at_s = -math.inf
        self._faces_since = EMBEDDED_EVERY
        self._face_at_s = -math.inf
        self._last = b""  # one that equals the frame just before is not judged
        self.best: BestFrame | None = None

    def __call__(self, sent: SentFrame, *, at_s: float) -> tuple[ObservedFrame, Sight]:
        """``at_s``: when the server had it, on the session's clock. Raises InvalidFileType."""
        image, digest = self._sensing.decode(sent.content), hashlib.sha256(sent.content)
        is_repeat, self._last = digest.digest() == self._last, digest.digest()
        found = self._sensing.find(image)
        observed = ObservedFrame(at_s=at_s, digest=digest.digest(), client_at_s=sent.client_at_s)
        faces = faces_before_camera([it.box for it in found])
        sight = Sight(image.width_px, image.height_px, faces, None)
        tracks = self._follow(image, found[0] if found else None)
        if not found:
            return replace(observed, tracks=tracks), sight
        face, template = self._look(image, found[0], at_s)
        if faces == 1 and not is_repeat:
            self._keep_better(at_s, image, digest.hexdigest(), face)
        observed = replace(
            observed,
            faces=faces,
            box=face.face.box,
            landmarks=face.face.landmarks,
            pose=face.pose,
            pad=face.pad,
            template=template,
            recognisability=face.recognisability,
            tracks=tracks,
        )
        return observed, replace(sight, face=face)

    def forget_before(self, began_s: float | None) -> None:
        """Only a frame that is judged may be the best one; ``began_s`` None: none is so far."""
        if self.best and (began_s is None or self.best.at_s < began_s):
            self.best = None

    def _look(
        self, image: FaceImage, found: DetectedFace, at_s: float
    ) -> tuple[AssessedFace, Template | None]:
        face = self._sensing.assess(image, found)
        self._faces_since += 1
        was_away = at_s - self._face_at_s > EMBEDDED_AFTER_S
        self._face_at_s = at_s
        too_soon = at_s - self._embedded_at_s < EMBEDDED_EVERY_S
        if not was_away and (too_soon or self._faces_since < EMBEDDED_EVERY):
            return face, None
        template = self._sensing.embedder.embed(image, found.landmarks)
        self._embedded_at_s, self._faces_since = at_s, 0
        recognisable = self._sensing.scale.recognisability(template)
        return replace(face, recognisability=recognisable), template

    def _keep_better(self, at_s: float, image: FaceImage, sha256: str, face: AssessedFace) -> None:
        """Of those with a template: a good picture before one with a fault, then by how
        recognisable the face is."""
        if face.recognisability is None:
            return
        verdicts = judge_face(face, self._sensing.thresholds)
        worth = all(it.passed for it in verdicts.values()), face.recognisability
        if self.best is None or worth > self.best.worth:
            self.best = BestFrame(at_s, image, sha256, worth)
