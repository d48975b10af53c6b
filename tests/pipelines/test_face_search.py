from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from perse.domain.geometry import Box, DetectedFace, Framing, Landmarks
from perse.domain.samples import FaceImage, ModelName
from perse.domain.search_plan import SearchPlan
from perse.pipelines.face_search import MultiScaleDetector

PLAN = SearchPlan(
    glance_px=400, small_face_px=30, close_px=2000, tile_px=700, overlap_px=100, step_back_px=150
)
IMAGE = FaceImage(np.zeros((1000, 2000, 3), np.uint8))


def face(left: float, top: float, side: float, score: float = 0.9) -> DetectedFace:
    return DetectedFace(Box(left, top, side, side), Landmarks(np.zeros((5, 2), np.float32)), score)


@dataclass
class SizedFinder:
    """Sees those of ``faces`` that lie in the framing and have a length it can see, canvas px."""

    faces: Sequence[DetectedFace]
    smallest_px: float = 12
    largest_px: float = 380
    looks: list[Framing] = field(default_factory=list)
    model: ModelName = ModelName("sized")

    def find(self, image: FaceImage, framing: Framing) -> Sequence[DetectedFace]:
        self.looks.append(framing)
        return [seen for seen in self.faces if self._sees(seen.box, framing)]

    def _sees(self, box: Box, framing: Framing) -> bool:
        x, y = box.centre
        within = framing.left <= x < framing.right and framing.top <= y < framing.bottom
        return within and self.smallest_px <= box.width * framing.scale <= self.largest_px


def test_one_look_settles_a_portrait() -> None:
    finder = SizedFinder([face(500, 200, 600)])
    assert MultiScaleDetector(finder, PLAN).detect(IMAGE) == finder.faces
    assert len(finder.looks) == 1


def test_a_face_larger_than_the_picture_is_found_by_stepping_back() -> None:
    finder = SizedFinder([face(-50, -40, 2100)])
    assert MultiScaleDetector(finder, PLAN).detect(IMAGE) == finder.faces
    assert len(finder.looks) == 2


def test_small_faces_bring_the_smaller_ones_to_light_each_once() -> None:
    faces = [face(100 + 90 * index, 300, 20 + 5 * index) for index in range(20)]
    finder = SizedFinder(faces)
    found = MultiScaleDetector(finder, PLAN).detect(IMAGE)
    assert sorted(f.box.left for f in found) == [f.box.left for f in faces]


def test_the_close_look_leaves_large_faces_to_the_glance() -> None:
    finder = SizedFinder([face(600, 300, 390)], smallest_px=100)
    assert MultiScaleDetector(finder, PLAN).detect(IMAGE) == []


def test_nothing_is_found_where_nothing_is() -> None:
    finder = SizedFinder([])
    assert MultiScaleDetector(finder, PLAN).detect(IMAGE) == []
    assert len(finder.looks) == 2 + len(PLAN.close(2000, 1000))


def test_it_answers_for_its_finder() -> None:
    assert MultiScaleDetector(SizedFinder([]), PLAN).model == "sized"
