from __future__ import annotations

import math

import numpy as np
import pytest

from perse.domain.geometry import Box
from perse.domain.samples import FaceImage, Pixels
from perse.errors import InvalidParameter
from perse.networks.face_rectangle import face_rectangle
from perse.networks.pad_scale import PadScale


def slopes(height: int = 100, width: int = 160) -> Pixels:
    """Red says how far to the right a pixel lies, green how far down."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.arange(width)
    pixels[..., 1] = np.arange(height)[:, None]
    return pixels


def reach(seen: Pixels) -> tuple[int, int, int, int]:
    """Left, right, top and bottom of what is seen, as the slopes tell it."""
    middle = seen.shape[0] // 2
    across, down = seen[middle, :, 0].tolist(), seen[:, middle, 1].tolist()
    return across[0], across[-1], down[0], down[-1]


def test_inside_the_picture_it_is_the_box_times_the_scale_around_its_centre() -> None:
    seen = face_rectangle(FaceImage(slopes()), Box(70, 40, 20, 16), scale=2.0, size_px=40)
    assert seen.shape == (40, 40, 3)
    assert reach(seen) == pytest.approx((60, 99, 32, 63), abs=1)


def test_what_lies_beyond_the_picture_is_left_out_and_the_rest_fills_the_square() -> None:
    seen = face_rectangle(FaceImage(slopes()), Box(0, 20, 40, 60), scale=2.0, size_px=60)
    assert seen.shape == (60, 60, 3)
    assert reach(seen) == pytest.approx((0, 59, 0, 99), abs=1)


@pytest.mark.parametrize(
    "box", [Box(-90, -80, 20, 20), Box(400, 300, 20, 20), Box(10, 10, 0.1, 0.1)]
)
def test_a_box_beside_the_picture_or_smaller_than_a_pixel_still_gives_a_crop(box: Box) -> None:
    assert face_rectangle(FaceImage(slopes()), box, scale=2.7, size_px=128).shape == (128, 128, 3)


def test_scores_rise_with_the_log_odds_and_stay_within_0_and_1() -> None:
    scale = PadScale(0.8, -0.3)
    scores = [scale.score(odds).value for odds in (-1e6, -20, -1, 0, 1, 20, 1e6)]
    assert scores == sorted(scores)
    assert scores[0] == 0
    assert scores[-1] == 1
    assert scale.score(0).value == pytest.approx(1 / (1 + math.exp(0.3)))


@pytest.mark.parametrize("odds", [math.nan, math.inf, -math.inf])
def test_a_broken_run_is_no_score(odds: float) -> None:
    with pytest.raises(InvalidParameter):
        PadScale(1, 0).score(odds)


@pytest.mark.parametrize(("slope", "offset"), [(0, 0), (-1, 0), (math.nan, 0), (1, math.inf)])
def test_a_scale_that_turns_the_direction_round_is_refused(slope: float, offset: float) -> None:
    with pytest.raises(InvalidParameter):
        PadScale(slope, offset)
