from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perse.domain.border_rule import cut_share, outline_of, wholly_inside
from perse.domain.geometry import Box, DetectedFace, Landmarks

# A frontal face in the middle of 400 x 400, eyes 80 px apart.
POINTS = np.array([[160, 160], [240, 160], [200, 208], [165, 245], [235, 245]], np.float32)
SIZE = {"width_px": 400, "height_px": 400}


def detected(points: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> DetectedFace:
    return DetectedFace(Box(100, 80, 200, 250), Landmarks(points), 0.9)


def test_a_face_in_the_middle_is_inside() -> None:
    assert wholly_inside(detected(POINTS), **SIZE)
    assert cut_share(Landmarks(POINTS), **SIZE) == 0


def test_the_outline_surrounds_the_landmarks() -> None:
    outline = outline_of(Landmarks(POINTS))
    assert outline.cheeks[0].real < POINTS[0, 0]
    assert outline.cheeks[1].real > POINTS[1, 0]
    assert outline.forehead.imag < POINTS[0, 1]
    assert outline.chin.imag > POINTS[4, 1]
    assert 150 < outline.width_px < 250
    assert 180 < outline.height_px < 300


@pytest.mark.parametrize(
    ("x", "y"), [(-1, 0), (1, 0), (0, -1), (0, 1)], ids=["left", "right", "top", "bottom"]
)
def test_moved_out_of_the_picture_it_is_first_inside_then_cut(x: int, y: int) -> None:
    answers = [
        wholly_inside(detected(POINTS + np.array((x, y), np.float32) * step), **SIZE)
        for step in range(0, 240, 4)
    ]
    assert answers[0]
    assert not answers[-1]
    assert answers == sorted(answers, reverse=True)


def test_a_landmark_outside_is_a_cut_face() -> None:
    assert not wholly_inside(detected(POINTS), width_px=234, height_px=400)


@given(st.floats(0, 360), st.floats(0.1, 8))
def test_turn_and_size_do_not_matter(degrees: float, scale: float) -> None:
    turn = np.radians(degrees)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    points = ((POINTS - 200) @ rotation.T * scale + 200 * scale).astype(np.float32)
    side = round(400 * scale)
    assert wholly_inside(detected(points), width_px=side, height_px=side)
    outline = outline_of(Landmarks(points))
    upright = outline_of(Landmarks(POINTS))
    assert outline.height_px == pytest.approx(upright.height_px * scale, rel=1e-3)


def test_a_face_whose_landmarks_coincide_is_left_out() -> None:
    assert not wholly_inside(detected(np.full((5, 2), 200, np.float32)), **SIZE)
