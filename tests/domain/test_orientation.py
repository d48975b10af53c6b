from __future__ import annotations

import numpy as np
import pytest

from perse.domain.geometry import Box, DetectedFace, Landmarks
from perse.domain.orientation import Righting, quarter_turns_of, righted, righted_with
from perse.domain.samples import FaceImage

TURNS = range(4)
POINTS = np.array([[20, 10], [30, 10], [25, 16], [21, 22], [29, 22]], np.float32)
UPRIGHT = DetectedFace(Box(15, 4, 20, 26), Landmarks(POINTS), 0.9)


def marked(width_px: int = 60, height_px: int = 40) -> FaceImage:
    """A black picture with a bright pixel at each landmark of UPRIGHT."""
    pixels = np.zeros((height_px, width_px, 3), np.uint8)
    for number, (x, y) in enumerate(POINTS.astype(int)):
        pixels[y, x] = 50 * (number + 1)
    return FaceImage(pixels)


@pytest.mark.parametrize("turns", TURNS)
def test_righting_undoes_a_turn(turns: int) -> None:
    turned = FaceImage(np.ascontiguousarray(np.rot90(marked().pixels, -turns)))
    np.testing.assert_array_equal(righted(turned, turns).pixels, marked().pixels)


@pytest.mark.parametrize("turns", TURNS)
def test_landmarks_stay_on_their_pixels(turns: int) -> None:
    sent = FaceImage(np.ascontiguousarray(np.rot90(marked().pixels, -turns)))
    face = Righting.of(sent, turns).as_sent(UPRIGHT)
    values = [int(sent.pixels[y, x, 0]) for x, y in face.landmarks.points.astype(int)]
    assert values == [50, 100, 150, 200, 250]


@pytest.mark.parametrize("turns", TURNS)
def test_a_box_keeps_what_it_holds(turns: int) -> None:
    sent = FaceImage(np.ascontiguousarray(np.rot90(marked().pixels, -turns)))
    box = Righting.of(sent, turns).as_sent(UPRIGHT).box
    held = sent.pixels[int(box.top) : int(box.bottom), int(box.left) : int(box.right), 0]
    assert held.shape == ((26, 20) if turns % 2 == 0 else (20, 26))
    assert np.count_nonzero(held) == 5


@pytest.mark.parametrize("turns", TURNS)
def test_a_face_says_at_which_quarter_it_stands(turns: int) -> None:
    sent = FaceImage(np.ascontiguousarray(np.rot90(marked().pixels, -turns)))
    assert quarter_turns_of(Righting.of(sent, turns).as_sent(UPRIGHT).landmarks) == turns


def test_a_face_may_tilt_by_less_than_half_a_quarter() -> None:
    angle = np.radians(40)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert quarter_turns_of(Landmarks((POINTS @ turn.T).astype(np.float32))) == 0
    assert quarter_turns_of(Landmarks((POINTS @ turn.T @ turn.T).astype(np.float32))) == 1


def test_landmarks_on_one_spot_stand_upright() -> None:
    assert quarter_turns_of(Landmarks(np.ones((5, 2), np.float32))) == 0


@pytest.mark.parametrize("turns", TURNS)
def test_a_network_that_knows_only_boxes_sees_the_upright_picture(turns: int) -> None:
    sent = FaceImage(np.ascontiguousarray(np.rot90(marked().pixels, -turns)))
    upright, box = righted_with(sent, Righting.of(sent, turns).as_sent(UPRIGHT))
    np.testing.assert_array_equal(upright.pixels, marked().pixels)
    assert box == UPRIGHT.box


def test_a_grey_picture_stays_grey() -> None:
    assert righted(FaceImage(marked().pixels, grey=True), 1).grey
