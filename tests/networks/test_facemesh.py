from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from perse.domain.five_point_pose import FivePointPose
from perse.domain.geometry import DetectedFace, HeadPose
from perse.domain.pose import rotation_angle
from perse.domain.samples import FaceImage, ModelName, Pixels
from perse.networks.facemesh import SIZE_PX, FaceMeshPose, crop_of, eye_line_degrees
from perse.networks.session import open_session
from perse.networks.yunet import PLAN, POINTS, YunetDetector
from perse.pipelines.face_search import MultiScaleDetector
from perse.pipelines.ports import PoseEstimator
from perse.weights.catalogue import Catalog
from perse.weights.store import WeightStore

PORTRAITS = sorted((Path(__file__).parents[1] / "samples" / "portraits").glob("*.jpg"))


@pytest.fixture(scope="module")
def detector(catalog: Catalog, weights: WeightStore) -> MultiScaleDetector:
    card = catalog.card("yunet_2023mar")
    session = open_session(weights.obtain(card))
    return MultiScaleDetector(YunetDetector(session, card.name), PLAN)


@pytest.fixture(scope="module")
def estimator(catalog: Catalog, weights: WeightStore) -> PoseEstimator:
    session = open_session(weights.obtain(catalog.card("facemesh")))
    return FaceMeshPose(session, ModelName("facemesh"), POINTS.head)


def portrait(index: int) -> Pixels:
    return np.asarray(cv2.imread(str(PORTRAITS[index]), cv2.IMREAD_COLOR_RGB), np.uint8)


def largest(detector: MultiScaleDetector, pixels: Pixels) -> DetectedFace:
    return max(detector.detect(FaceImage(pixels)), key=lambda face: face.box.area)


def pose(detector: MultiScaleDetector, estimator: PoseEstimator, pixels: Pixels) -> HeadPose:
    return estimator.estimate(FaceImage(pixels), largest(detector, pixels))


def turned(pixels: Pixels, degrees: float) -> Pixels:
    """Turned clockwise, large enough to lose nothing."""
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1)
    matrix[:, 2] += (height / 2, width / 2)
    return np.asarray(cv2.warpAffine(pixels, matrix, (width + height, width + height)), np.uint8)


@pytest.mark.parametrize("index", range(len(PORTRAITS)), ids=lambda index: PORTRAITS[index].stem)
def test_a_mirrored_head_turns_the_other_way(
    detector: MultiScaleDetector, estimator: PoseEstimator, index: int
) -> None:
    pixels = portrait(index)
    straight = pose(detector, estimator, pixels)
    other = pose(detector, estimator, np.ascontiguousarray(pixels[:, ::-1]))
    assert other.yaw == pytest.approx(-straight.yaw, abs=6)
    assert other.pitch == pytest.approx(straight.pitch, abs=6)
    assert other.roll == pytest.approx(-straight.roll, abs=6)
    assert rotation_angle(other) == pytest.approx(rotation_angle(straight), abs=5)


def test_roll_follows_the_turned_picture(
    detector: MultiScaleDetector, estimator: PoseEstimator
) -> None:
    pixels = portrait(0)
    upright = pose(detector, estimator, pixels)
    rolls = [pose(detector, estimator, turned(pixels, angle)).roll for angle in range(-30, 31, 10)]
    assert rolls == sorted(rolls)
    expected = [upright.roll + angle for angle in range(-30, 31, 10)]
    assert rolls == pytest.approx(expected, abs=7)


def test_rotation_grows_as_the_picture_is_turned(
    detector: MultiScaleDetector, estimator: PoseEstimator
) -> None:
    angles = [
        rotation_angle(pose(detector, estimator, turned(portrait(0), angle)))
        for angle in (0, 10, 20, 30)
    ]
    assert angles == sorted(angles)


def test_official_portraits_look_into_the_camera(
    detector: MultiScaleDetector, estimator: PoseEstimator
) -> None:
    assert rotation_angle(pose(detector, estimator, portrait(0))) < 25


def test_the_size_of_the_picture_does_not_matter(
    detector: MultiScaleDetector, estimator: PoseEstimator
) -> None:
    pixels = portrait(0)
    half = np.asarray(cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    large, small = (pose(detector, estimator, np.asarray(p, np.uint8)) for p in (pixels, half))
    assert rotation_angle(small) == pytest.approx(rotation_angle(large), abs=4)


def test_the_crop_is_level_and_centred(detector: MultiScaleDetector) -> None:
    face = largest(detector, turned(portrait(0), 20))
    to_crop = crop_of(face, eye_line_degrees(face))
    right_eye, left_eye = to_crop.apply(face.landmarks.points[:2])
    assert right_eye[1] == pytest.approx(left_eye[1], abs=0.01)
    assert right_eye[0] < left_eye[0]
    centre = to_crop.apply([face.box.centre])
    assert centre[0] == pytest.approx([(SIZE_PX - 1) / 2] * 2)


def test_where_the_network_sees_no_face_the_five_points_decide(
    detector: MultiScaleDetector, catalog: Catalog, weights: WeightStore
) -> None:
    session = open_session(weights.obtain(catalog.card("facemesh")))
    face = largest(detector, portrait(0))
    grey = FaceImage(np.full((900, 900, 3), 128, np.uint8))
    expected = FivePointPose(POINTS.head).estimate(grey, face)
    assert (
        FaceMeshPose(session, ModelName("facemesh"), POINTS.head).estimate(grey, face) == expected
    )
