from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perse.domain.geometry import HeadPose
from perse.domain.pose import aligning_rotation, head_pose, rotation_angle, rotation_matrix

TURNS = st.floats(-80, 80)


@given(TURNS, TURNS, TURNS)
def test_angles_survive_the_matrix(yaw: float, pitch: float, roll: float) -> None:
    back = head_pose(rotation_matrix(HeadPose(yaw, pitch, roll)))
    assert (back.yaw, back.pitch, back.roll) == pytest.approx((yaw, pitch, roll), abs=1e-6)


@given(TURNS, TURNS, TURNS)
def test_the_matrix_is_a_rotation(yaw: float, pitch: float, roll: float) -> None:
    matrix = rotation_matrix(HeadPose(yaw, pitch, roll))
    assert np.allclose(matrix @ matrix.T, np.eye(3))
    assert np.linalg.det(matrix) == pytest.approx(1)


def test_signs_are_those_of_head_pose() -> None:
    gaze, crown = np.array((0, 0, -1.0)), np.array((0, -1.0, 0))
    assert (rotation_matrix(HeadPose(30, 0, 0)) @ gaze)[0] > 0  # the subject's left
    assert (rotation_matrix(HeadPose(0, 30, 0)) @ gaze)[1] < 0  # up
    assert (rotation_matrix(HeadPose(0, 0, 30)) @ crown)[0] > 0  # the subject's left shoulder


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("angle", [-70.0, -10.0, 0.0, 25.0, 60.0])
def test_rotation_about_one_axis_is_its_angle(axis: int, angle: float) -> None:
    angles = [0.0, 0.0, 0.0]
    angles[axis] = angle
    assert rotation_angle(HeadPose(*angles)) == pytest.approx(abs(angle), abs=1e-5)


@given(TURNS, TURNS, TURNS)
def test_rotation_is_the_same_for_the_mirrored_head(yaw: float, pitch: float, roll: float) -> None:
    mirrored = rotation_angle(HeadPose(-yaw, pitch, -roll))
    assert rotation_angle(HeadPose(yaw, pitch, roll)) == pytest.approx(mirrored, abs=1e-4)


def test_two_turns_make_a_larger_one() -> None:
    expected = math.degrees(
        math.acos(math.cos(math.radians(20)) ** 2 / 2 + math.cos(math.radians(20)) - 0.5)
    )
    assert rotation_angle(HeadPose(20, 20, 0)) == pytest.approx(expected)


@given(TURNS, TURNS, TURNS, st.floats(0.1, 10))
def test_a_turned_scaled_shifted_cloud_gives_its_rotation_back(
    yaw: float, pitch: float, roll: float, scale: float
) -> None:
    model = np.random.default_rng(0).normal(size=(8, 3))
    rotation = rotation_matrix(HeadPose(yaw, pitch, roll))
    seen = scale * model @ rotation.T + np.array((3.0, -7.0, 2.0))
    assert np.allclose(aligning_rotation(model, seen), rotation, atol=1e-8)
