"""Finding faces of every size with a detector that looks at one scale at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perse.domain.geometry import DetectedFace, Framing, suppress_overlaps
from perse.domain.samples import FaceImage, ModelName
from perse.domain.search_plan import SearchPlan, reaches_into
from perse.pipelines.ports import FaceFinder

_OVERLAP = 0.3


@dataclass(frozen=True, slots=True)
class MultiScaleDetector:
    """A glance at the whole picture; more looks only where the glance does not settle it.

    Nothing found: a step back, for a face larger than the picture. Still nothing, or small faces
    among those found: a close look, tile by tile. Satisfies FaceDetector.
    """

    finder: FaceFinder
    plan: SearchPlan

    @property
    def model(self) -> ModelName:
        return self.finder.model

    def detect(self, image: FaceImage) -> Sequence[DetectedFace]:
        """Every face found, best score first, also those cut by the border."""
        glance = self.plan.glance(image.width_px, image.height_px)
        faces = self.finder.find(image, glance)
        if not faces:
            faces = self._step_back(image)
            if faces:
                return faces
        if self.plan.is_close_worthwhile(faces, glance):
            return distinct([*faces, *self._look_closely(image)])
        return faces

    def glance(self, image: FaceImage) -> Sequence[DetectedFace]:
        """What is found without a close look."""
        glance = self.plan.glance(image.width_px, image.height_px)
        return self.finder.find(image, glance) or self._step_back(image)

    def _step_back(self, image: FaceImage) -> Sequence[DetectedFace]:
        return self.finder.find(image, self.plan.step_back(image.width_px, image.height_px))

    def _look_closely(self, image: FaceImage) -> list[DetectedFace]:
        tiles = self.plan.close(image.width_px, image.height_px)
        return [face for tile in tiles for face in self._in_tile(image, tile)]

    def _in_tile(self, image: FaceImage, tile: Framing) -> list[DetectedFace]:
        width, height = image.width_px, image.height_px
        largest_px = self.plan.overlap_px / tile.scale
        return [
            face
            for face in self.finder.find(image, tile)
            if face.box.longer_side <= largest_px
            and not reaches_into(tile, face, width_px=width, height_px=height)
        ]


def distinct(faces: Sequence[DetectedFace]) -> list[DetectedFace]:
    """Those that no better one overlaps, best score first."""
    boxes = [(f.box.left, f.box.top, f.box.right, f.box.bottom) for f in faces]
    corners = np.array(boxes, np.float32).reshape(-1, 4)
    scores = np.array([face.score for face in faces], np.float32)
    return [faces[index] for index in suppress_overlaps(corners, scores, overlap=_OVERLAP)]
