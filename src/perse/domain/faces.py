"""What the face use cases answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from perse.domain.decisions import PadScore
from perse.domain.geometry import DetectedFace, HeadPose
from perse.domain.quality import FaceMetrics, ImageMetrics
from perse.domain.references import Template
from perse.domain.resemblance import Resemblance
from perse.domain.samples import ModelName

ModelsByRole = Mapping[str, ModelName]


@dataclass(frozen=True, slots=True)
class AssessedFace:
    """A face wholly inside the picture. ``pad`` is None where the pack has no attack detector,
    ``recognisability`` (0..1, domain/recognisability) where its embedder was not measured for it.
    """

    face: DetectedFace
    pose: HeadPose
    metrics: FaceMetrics
    pad: PadScore | None
    recognisability: float | None = None


@dataclass(frozen=True, slots=True)
class FaceDetection:
    """Every face wholly inside one picture, the largest first, and the picture's own quality."""

    faces: tuple[AssessedFace, ...]
    image: ImageMetrics
    models: ModelsByRole


@dataclass(frozen=True, slots=True)
class CapturedFace:
    """The largest face of a picture, ready to be compared."""

    assessed: AssessedFace
    template: Template

    @property
    def face(self) -> DetectedFace:
        return self.assessed.face

    @property
    def pad(self) -> PadScore | None:
        return self.assessed.pad


@dataclass(frozen=True, slots=True)
class FaceComparison:
    """Two templates compared, and the faces seen for it: two pictures', or one with a user's.

    ``pad``: the lower score of the captures compared.
    """

    resemblance: Resemblance
    faces: tuple[AssessedFace, ...]
    models: ModelsByRole

    @property
    def similarity(self) -> float:
        """0..1 on the calibrated scale; 0 where it is not ``assessable``."""
        return self.resemblance.similarity

    @property
    def supported(self) -> bool:
        """Whether the similarity lies between measured operating points."""
        return self.resemblance.supported

    @property
    def assessable(self) -> bool:
        """Whether both captures say enough of a person to tell."""
        return self.resemblance.assessable

    @property
    def cosine(self) -> float:
        """-1..1, what the network said."""
        return self.resemblance.cosine

    @property
    def pad(self) -> PadScore | None:
        """None when one could not be had."""
        known = [face.pad for face in self.faces if face.pad is not None]
        complete = len(known) == len(self.faces) and known
        return min(known, key=lambda pad: pad.value) if complete else None


@dataclass(frozen=True, slots=True)
class FaceThresholds:
    """A face is good when underexposure, overexposure, colour and rotation are below theirs and
    sharpness and the PAD score are not. ``similarity_by_fmr`` is keyed "1e-2" and so on.
    ``operating_points``: what similarity and liveness thresholds stand on, the catalogue or the id
    of this installation's own."""

    underexposure: float
    overexposure: float
    sharpness: float
    colour: float
    rotation: float
    similarity: float
    similarity_by_fmr: Mapping[str, float]
    liveness: float | None
    recognisability: float | None = None
    operating_points: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FaceVerification:
    """A comparison with an enrolled user, and the thresholds of the network that compared.

    ``moved``: None where that is the network in use; else whether the user has a template of the
    network in use from now on.
    """

    comparison: FaceComparison
    thresholds: FaceThresholds
    moved: bool | None = None
