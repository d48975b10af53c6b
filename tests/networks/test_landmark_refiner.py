from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perse.domain.alignment import ARCFACE_TEMPLATE, SimilarityTransform
from perse.domain.geometry import Box, DetectedFace, Framing, Landmarks, Points
from perse.domain.samples import FaceImage
from perse.networks.landmark_refiner import CropLandmarkRefiner

# Where the refiner lays the template on its crop of 192 pixels: 180 units around (56, 60).
ON_CROP = np.asarray((ARCFACE_TEMPLATE - (56, 60)) * (192 / 180) + 95.5, np.float32)
PICTURE = FaceImage(np.zeros((500, 400, 3), np.uint8))
TO_PICTURE = SimilarityTransform(2.0 - 0.6j, 60 + 110j)
FACE = Landmarks(np.asarray(TO_PICTURE.apply(ARCFACE_TEMPLATE), np.float32))


class FakeFinder:
    """Answers its first look with the first list of points, its second look with the second and so
    on, later ones with faces in the expected place."""

    def __init__(self, *answers: Sequence[Points]) -> None:
        self._answers = list(answers)
        self.sizes: list[tuple[int, int]] = []

    def find(self, image: FaceImage, framing: Framing) -> Sequence[DetectedFace]:
        self.sizes.append((image.width_px, framing.canvas_size_px[0]))
        expected = ON_CROP if len(self.sizes) % 2 else reflected(ON_CROP)
        points = self._answers.pop(0) if self._answers else [expected]
        return [DetectedFace(Box(1, 1, 9, 9), Landmarks(p.astype(np.float32)), 0.9) for p in points]


def reflected(points: Points) -> Points:
    return np.asarray(points[[1, 0, 2, 4, 3]] * (-1, 1) + (191, 0), np.float32)


def nudged(x: float, y: float) -> Points:
    return np.asarray(ON_CROP + np.array((x, y)), np.float32)


def on_picture(crop_points: Points) -> Points:
    moved = SimilarityTransform.fit(ON_CROP, FACE.points).apply(crop_points)
    return np.asarray(moved, np.float32)


def refined(*answers: Sequence[Points]) -> Landmarks:
    return CropLandmarkRefiner(FakeFinder(*answers)).refine(PICTURE, FACE)


def test_the_finder_sees_an_upright_crop_of_the_stated_size_twice() -> None:
    finder = FakeFinder([ON_CROP], [reflected(ON_CROP)])
    CropLandmarkRefiner(finder, crop_px=192).refine(PICTURE, FACE)
    assert finder.sizes == [(192, 192), (192, 192)]


def test_landmarks_seen_where_they_were_stay() -> None:
    found = refined([ON_CROP], [reflected(ON_CROP)])
    np.testing.assert_allclose(found.points, FACE.points, atol=1e-3)


def test_both_looks_are_averaged_in_the_picture() -> None:
    found = refined([nudged(4, 0)], [reflected(nudged(-2, 0))])
    np.testing.assert_allclose(found.points, on_picture(nudged(1, 0)), atol=1e-3)


def test_one_look_alone_is_enough() -> None:
    other = nudged(0, 3)
    np.testing.assert_allclose(refined([], [reflected(other)]).points, on_picture(other), atol=1e-3)
    np.testing.assert_allclose(refined([other], []).points, on_picture(other), atol=1e-3)


def test_the_nearest_face_counts() -> None:
    found = refined([nudged(20, 20), nudged(1, 1)], [])
    np.testing.assert_allclose(found.points, on_picture(nudged(1, 1)), atol=1e-3)


def test_a_face_elsewhere_is_another_face() -> None:
    assert refined([nudged(40, 40)], [reflected(nudged(40, 40))]) is FACE


def test_landmarks_stay_when_nothing_is_found_again() -> None:
    assert refined([], []) is FACE


def test_another_round_is_made_until_the_landmarks_settle() -> None:
    finder = FakeFinder([nudged(6, 0)], [reflected(nudged(6, 0))])
    CropLandmarkRefiner(finder).refine(PICTURE, FACE)
    assert len(finder.sizes) == 4


def test_three_rounds_are_the_most() -> None:
    far = nudged(6, 0)
    restless = FakeFinder(*[[far], [reflected(far)]] * 9)
    CropLandmarkRefiner(restless).refine(PICTURE, FACE)
    assert len(restless.sizes) == 6
