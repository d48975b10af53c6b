"""Compare the largest faces of two pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from perse.domain.faces import AssessedFace, CapturedFace, FaceComparison, ModelsByRole
from perse.domain.references import Template
from perse.domain.resemblance import ResemblanceScale
from perse.domain.samples import FaceImage
from perse.pipelines.detection import AssessFace, FindFaces
from perse.pipelines.ports import FaceEmbedder, SideBySide, in_turn
from perse.stages import Stage, during


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that is decoded when it is needed. ``name`` is what messages call it."""

    name: str
    load: Callable[[], FaceImage]


@dataclass(frozen=True, slots=True)
class CaptureFace:
    """The template of a picture's largest face, and what is to be said of that face.

    Raises NoFaceDetected, naming the picture, when no face is completely inside it.
    """

    find: FindFaces
    assess: AssessFace
    embedder: FaceEmbedder

    def __call__(self, picture: Picture) -> CapturedFace:
        image = picture.load()
        largest = self.find.largest(image, name=picture.name)
        template = self.embedder.embed(image, largest.landmarks)
        return CapturedFace(self.assess(image, largest), template)

    @property
    def models(self) -> ModelsByRole:
        models = {"face_detector": self.find.detector.model, "face_embedder": self.embedder.model}
        if self.assess.attacks:
            models["face_attack_detector"] = self.assess.attacks.model
        return models


@dataclass(frozen=True, slots=True)
class CompareFaces:
    """Use case: are the largest faces of two pictures of one person, and are both live?"""

    capture: CaptureFace
    scale: ResemblanceScale

    def __call__(
        self, first: Picture, second: Picture, *, side_by_side: SideBySide = in_turn
    ) -> FaceComparison:
        one, other = side_by_side(lambda: self.capture(first), lambda: self.capture(second))
        with during(Stage.COMPARE):
            return self.judge(one.template, other.template, (one.assessed, other.assessed))

    def judge_with_all(
        self, probe: Template, samples: Sequence[Template], seen: tuple[AssessedFace, ...]
    ) -> FaceComparison:
        """Compare a template with all that a person has; ``seen``: the faces that were captured
        for it.

        Raises InvalidParameter without samples, ReferenceModelMismatch across networks.
        """
        with during(Stage.COMPARE):
            resemblance = self.scale.resemblance_of_all(probe, samples)
        return FaceComparison(resemblance, seen, models=self.capture.models)

    def judge(
        self, probe: Template, reference: Template, seen: tuple[AssessedFace, ...]
    ) -> FaceComparison:
        """Compare two templates; ``seen`` as above.

        Raises ReferenceModelMismatch across networks.
        """
        return FaceComparison(
            self.scale.resemblance(probe, reference), seen, models=self.capture.models
        )
