from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from perse.domain.geometry import Box, HeadPose, Landmarks
from perse.domain.pose import rotation_matrix
from perse.domain.relief import HeadShape, angle_between, median_relief, relief
from perse.domain.session_frames import ObservedFrame, Tracks
from perse.weights.liveness_sessions import shipped_head

Places = NDArray[np.float64]
HEAD = shipped_head()
EYES_PX = 70.0
MIDDLE = np.array((320.0, 200.0))
CAMERA = 8.0  # eye distances away
AHEAD = HeadPose(0, 0, 0)


def places(count: int = 120, *, seed: int = 3) -> Places:
    """Where points lie on a face that looks ahead, eye distances."""
    rng = np.random.default_rng(seed)
    return rng.uniform((-0.75, -0.6), (0.75, 1.3), (count, 2))


def seen(space: Places, pose: HeadPose, *, noise: float = 0.0, scale: float = 1.0) -> Places:
    """Points in space before a camera that is near, in pixels."""
    turned = space @ rotation_matrix(pose).T
    near = turned[:, :2] / (1 + turned[:, 2:] / CAMERA) * scale
    wrong = noise * np.random.default_rng(1).standard_normal(near.shape)
    return MIDDLE + EYES_PX * near + wrong


def frame(points: Places, pose: HeadPose, anchors: Places, *, base: int = 0) -> ObservedFrame:
    return ObservedFrame(
        at_s=0.0,
        digest=b"",
        faces=1,
        box=Box(250, 120, 140, 190),
        landmarks=Landmarks(anchors.astype(np.float32)),
        pose=pose,
        tracks=Tracks(base, points.astype(np.float32)),
    )


def turned(
    depth: Callable[[Places], Places], pose: HeadPose, *, told: HeadPose | None = None, **how: float
) -> tuple[ObservedFrame, ObservedFrame]:
    """A surface of that depth ahead and in ``pose``, for which the network told ``told``."""
    flat = places()
    space = np.column_stack((flat, depth(flat)))
    anchors = seen(HEAD.anchors, AHEAD)
    return (
        frame(seen(space, AHEAD), AHEAD, anchors),
        frame(seen(space, pose, **how), told or pose, seen(HEAD.anchors, pose)),
    )


def bent(radius: float, axis_degrees: float = 0.0) -> Callable[[Places], Places]:
    axis = np.deg2rad(axis_degrees)

    def depth(flat: Places) -> Places:
        away = flat @ np.array((np.cos(axis), np.sin(axis)))
        return np.asarray(radius - np.sqrt(radius**2 - np.clip(away, -radius, radius) ** 2))

    return depth


def plane(flat: Places) -> Places:
    return np.zeros(len(flat))


TURNS = [HeadPose(25, 0, 0), HeadPose(-25, 0, 0), HeadPose(3, 18, 0), HeadPose(-20, 8, 5)]


@pytest.mark.parametrize("pose", TURNS)
def test_a_head_has_relief_however_it_turns(pose: HeadPose) -> None:
    told = relief(*turned(HEAD.depth_at, pose, noise=0.5), HEAD)
    assert told is not None
    assert 0.75 < told.slope < 1.3
    assert 0.5 < told.unbent < 1.4


@pytest.mark.parametrize("pose", TURNS)
@pytest.mark.parametrize("really", [10, 30, 55])
def test_a_flat_sheet_has_none_however_it_turns_and_whatever_is_told(
    pose: HeadPose, really: float
) -> None:
    held = HeadPose(np.copysign(really, pose.yaw), pose.pitch, pose.roll)
    told = relief(*turned(plane, held, told=pose, noise=0.5), HEAD)
    assert told is not None
    assert abs(told.slope) < 0.2
    assert abs(told.unbent) < 0.25


@pytest.mark.parametrize("axis_degrees", [0, 15, 45, 90])
def test_a_bent_sheet_may_look_like_a_head_but_for_what_bending_explains(
    axis_degrees: float,
) -> None:
    told = relief(*turned(bent(1.7, axis_degrees), HeadPose(25, 0, 0), noise=0.5), HEAD)
    assert told is not None
    assert told.unbent < 0.25


def test_a_sheet_creased_along_the_nose_is_told_by_the_other_number() -> None:
    told = relief(*turned(lambda flat: 0.6 * abs(flat[:, 0]), HeadPose(25, 0, 0)), HEAD)
    assert told is not None
    assert told.slope > 0.3
    assert abs(told.unbent) < 0.1


def test_a_sheet_bent_around_the_neck_has_slope_and_is_told_by_the_other_number() -> None:
    told = relief(*turned(bent(1.3), HeadPose(25, 0, 0)), HEAD)
    assert told is not None
    assert told.slope > 0.2 > abs(told.unbent)


def test_a_few_points_that_were_followed_wrongly_change_little() -> None:
    ahead, after = turned(HEAD.depth_at, HeadPose(25, 0, 0), noise=0.5)
    assert after.tracks is not None
    points = after.tracks.points.copy()
    points[::15] += (25, -10)
    wrong = frame(points.astype(np.float64), HeadPose(25, 0, 0), seen(HEAD.anchors, AHEAD))
    told = relief(ahead, wrong, HEAD)
    assert told is not None
    assert 0.7 < told.slope < 1.4


def test_nothing_is_told_of_few_points_or_of_points_picked_apart() -> None:
    ahead, after = turned(HEAD.depth_at, HeadPose(25, 0, 0))
    assert after.tracks is not None
    lost = after.tracks.points.copy()
    lost[20:] = np.nan
    anchors = seen(HEAD.anchors, AHEAD)
    assert relief(ahead, frame(lost.astype(np.float64), AHEAD, anchors), HEAD) is None
    other = frame(after.tracks.points.astype(np.float64), AHEAD, anchors, base=1)
    assert relief(ahead, other, HEAD) is None


def test_the_depth_of_a_turned_head_is_found_where_it_is_seen() -> None:
    pose = HeadPose(12, -5, 4)
    flat = places(40) * 0.8
    space = np.column_stack((flat, HEAD.depth_at(flat))) @ rotation_matrix(pose).T
    found = HEAD.depth_seen(space[:, :2], pose)
    assert np.median(abs(found - space[:, 2])) < 0.02


def test_depth_beyond_the_edge_is_that_of_the_edge() -> None:
    shape = HeadShape(HEAD.anchors, np.array([[0.0, 1.0], [2.0, 3.0]]))
    corners = np.array([[-9.0, -9.0], [9.0, -9.0], [-9.0, 9.0], [9.0, 9.0]])
    np.testing.assert_allclose(shape.depth_at(corners), [0, 1, 2, 3], atol=1e-4)


def test_several_frames_of_a_turn_are_taken_together() -> None:
    assert median_relief([]) is None
    each = [relief(*turned(HEAD.depth_at, HeadPose(yaw, 0, 0)), HEAD) for yaw in (18, 22, 26)]
    together = median_relief([it for it in each if it])
    assert together is not None
    assert together.angle == pytest.approx(26)
    assert together.slope == sorted(it.slope for it in each if it)[1]
    assert angle_between(HeadPose(-10, 0, 0), HeadPose(16, 0, 0)) == pytest.approx(26)
