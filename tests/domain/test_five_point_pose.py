from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perse.domain.alignment import mirrored
from perse.domain.five_point_pose import FivePointPose, pose_from_landmarks
from perse.domain.geometry import Box, DetectedFace, HeadPose, Landmarks
from perse.domain.pose import Matrix, rotation_angle, rotation_matrix
from perse.domain.samples import FaceImage
from perse.networks.yunet import POINTS

TURNS = st.floats(-50, 50)
HEADS = [POINTS.head]


def seen(pose: HeadPose, head: Matrix, scale: float = 60) -> Landmarks:
    points = scale * (head @ rotation_matrix(pose).T)[:, :2] + np.array((150, 120))
    return Landmarks(points.astype(np.float32))


@given(TURNS, TURNS, TURNS, st.floats(5, 400), st.sampled_from(HEADS))
def test_a_rigid_heads_pose_comes_back(
    yaw: float, pitch: float, roll: float, scale: float, head: Matrix
) -> None:
    found = pose_from_landmarks(seen(HeadPose(yaw, pitch, roll), head, scale), head)
    assert (found.yaw, found.pitch, found.roll) == pytest.approx((yaw, pitch, roll), abs=0.1)


@given(TURNS, TURNS, TURNS)
def test_the_mirror_image_turns_the_other_way(yaw: float, pitch: float, roll: float) -> None:
    landmarks = seen(HeadPose(yaw, pitch, roll), HEADS[0])
    pose = pose_from_landmarks(landmarks, HEADS[0])
    other = pose_from_landmarks(mirrored(landmarks, 300), HEADS[0])
    assert (other.yaw, other.pitch, other.roll) == pytest.approx(
        (-pose.yaw, pose.pitch, -pose.roll), abs=0.05
    )
    assert rotation_angle(other) == pytest.approx(rotation_angle(pose), abs=0.1)


@pytest.mark.parametrize("axis", range(3))
def test_rotation_grows_with_the_turn(axis: int) -> None:
    angles = []
    for turn in range(0, 60, 5):
        turns = [0.0, 0.0, 0.0]
        turns[axis] = turn
        landmarks = seen(HeadPose(*turns), HEADS[0])
        angles.append(rotation_angle(pose_from_landmarks(landmarks, HEADS[0])))
    assert angles == sorted(angles)


def test_the_estimator_needs_no_picture() -> None:
    landmarks = seen(HeadPose(20, 0, 0), HEADS[0])
    face = DetectedFace(Box(90, 60, 120, 120), landmarks, 0.9)
    estimator = FivePointPose(HEADS[0])
    pose = estimator.estimate(FaceImage(np.zeros((1, 1, 3), np.uint8)), face)
    assert pose.yaw == pytest.approx(20, abs=0.1)
    assert estimator.model == "five_point_pose"


def test_landmarks_on_one_spot_give_some_finite_pose() -> None:
    pose = pose_from_landmarks(Landmarks(np.full((5, 2), 9, np.float32)), HEADS[0])
    assert np.isfinite((pose.yaw, pose.pitch, pose.roll)).all()
