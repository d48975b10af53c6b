from __future__ import annotations

import math

import numpy as np
import pytest

from perse.domain.geometry import Box
from perse.domain.samples import FaceImage
from perse.errors import InvalidParameter
from perse.networks.face_square import face_square
from perse.networks.pad_scale import PadScale


def numbered(height: int, width: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    rows, columns = np.mgrid[:height, :width]
    return np.stack((rows, columns, np.zeros_like(rows)), axis=-1).astype(np.uint8)


def test_a_square_inside_the_picture_is_cut_out_as_it_is() -> None:
    seen = face_square(FaceImage(numbered(100, 120)), Box(40, 30, 16, 20), scale=2.0, size_px=40)
    assert seen.shape == (40, 40, 3)
    assert seen[0, 0].tolist() == [20, 28, 0]
    assert seen[-1, -1].tolist() == [59, 67, 0]


def test_what_lies_beyond_the_picture_is_its_mirror_image() -> None:
    seen = face_square(FaceImage(numbered(60, 60)), Box(0, 0, 20, 20), scale=2.0, size_px=40)
    assert seen[10, 10].tolist() == [0, 0, 0]
    assert seen[7, 10].tolist() == seen[13, 10].tolist() == [3, 0, 0]


def test_the_longer_side_of_the_box_gives_the_size() -> None:
    picture = numbered(200, 200)
    upright = face_square(FaceImage(picture), Box(90, 80, 20, 40), scale=1.5, size_px=60)
    lying = face_square(FaceImage(picture), Box(80, 90, 40, 20), scale=1.5, size_px=60)
    assert np.array_equal(upright, lying)


@pytest.mark.parametrize("size_px", [16, 128, 300])
def test_any_size_can_be_asked_for(size_px: int) -> None:
    seen = face_square(FaceImage(numbered(90, 70)), Box(5, 5, 60, 80), scale=2.7, size_px=size_px)
    assert seen.shape == (size_px, size_px, 3)
    assert seen.dtype == np.uint8


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
