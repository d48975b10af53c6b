"""Compare the largest faces of two pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from perse.domain.decisions import PadScore, SimilarityScale
from perse.domain.faces import CapturedFace, FaceComparison, ModelsByRole
from perse.domain.orientation import righted_with
from perse.domain.references import Template
from perse.domain.samples import FaceImage
from perse.pipelines.detection import FindFaces
from perse.pipelines.ports import AttackDetector, FaceEmbedder, SideBySide, in_turn


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that is decoded when it is needed. ``name`` is what messages call it."""

    name: str
    load: Callable[[], FaceImage]


@dataclass(frozen=True, slots=True)
class CaptureFace:
    """The template and the PAD score of a picture's largest face.

    Raises NoFaceDetected, naming the picture, when no face is completely inside it.
    """

    find: FindFaces
    embedder: FaceEmbedder
    attacks: AttackDetector | None

    def __call__(self, picture: Picture) -> CapturedFace:
        image = picture.load()
        largest = self.find.largest(image, name=picture.name)
        template = self.embedder.embed(image, largest.landmarks)
        pad = self.attacks.score(*righted_with(image, largest)) if self.attacks else None
        return CapturedFace(largest, template, pad)

    @property
    def models(self) -> ModelsByRole:
        models = {"face_detector": self.find.detector.model, "face_embedder": self.embedder.model}
        if self.attacks:
            models["face_attack_detector"] = self.attacks.model
        return models


@dataclass(frozen=True, slots=True)
class CompareFaces:
    """Use case: are the largest faces of two pictures of one person, and are both live?"""

    capture: CaptureFace
    scale: SimilarityScale

    def __call__(
        self, first: Picture, second: Picture, *, side_by_side: SideBySide = in_turn
    ) -> FaceComparison:
        one, other = side_by_side(lambda: self.capture(first), lambda: self.capture(second))
        return self.judge(one.template, other.template, lower_pad(one.pad, other.pad))

    def judge(self, probe: Template, reference: Template, pad: PadScore | None) -> FaceComparison:
        """Compare two templates. Raises ReferenceModelMismatch across networks."""
        cosine = probe.cosine(reference)
        return FaceComparison(
            similarity=self.scale.similarity(cosine),
            supported=self.scale.supported(cosine),
            cosine=cosine,
            pad=pad,
            models=self.capture.models,
        )


def lower_pad(first: PadScore | None, second: PadScore | None) -> PadScore | None:
    """The less bona fide of two scores; None when either could not be had."""
    if first is None or second is None:
        return None
    return min(first, second, key=lambda pad: pad.value)
