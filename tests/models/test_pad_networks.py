from __future__ import annotations

import math

import numpy as np
import pytest

from perse.domain.geometry import Box
from perse.domain.samples import FaceImage, ModelName
from perse.errors import InvalidParameter
from perse.models.face_square import face_square
from perse.models.pad_pair import AttackDetectorPair, PairScale
from perse.models.pad_scale import PadScale


def numbered(height: int, width: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    rows, columns = np.mgrid[:height, :width]
    return np.stack((rows, columns, np.zeros_like(rows)), axis=-1).astype(np.uint8)


def test_a_square_inside_the_picture_is_cut_out_as_it_is() -> None:
    seen = face_square(numbered(100, 120), Box(40, 30, 16, 20), scale=2.0, size_px=40)
    assert seen.shape == (40, 40, 3)
    assert seen[0, 0].tolist() == [20, 28, 0]
    assert seen[-1, -1].tolist() == [59, 67, 0]


def test_what_lies_beyond_the_picture_is_its_mirror_image() -> None:
    seen = face_square(numbered(60, 60), Box(0, 0, 20, 20), scale=2.0, size_px=40)
    assert seen[10, 10].tolist() == [0, 0, 0]
    assert seen[7, 10].tolist() == seen[13, 10].tolist() == [3, 0, 0]


def test_the_longer_side_of_the_box_gives_the_size() -> None:
    picture = numbered(200, 200)
    upright = face_square(picture, Box(90, 80, 20, 40), scale=1.5, size_px=60)
    lying = face_square(picture, Box(80, 90, 40, 20), scale=1.5, size_px=60)
    assert np.array_equal(upright, lying)


@pytest.mark.parametrize("size_px", [16, 128, 300])
def test_any_size_can_be_asked_for(size_px: int) -> None:
    seen = face_square(numbered(90, 70), Box(5, 5, 60, 80), scale=2.7, size_px=size_px)
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


class Says:
    def __init__(self, odds: float) -> None:
        self.odds = odds

    def log_odds(self, image: FaceImage, box: Box) -> float:
        return self.odds


def pair_of(first: float, companion: float) -> AttackDetectorPair:
    scale = PairScale(slope=2.0, offset=-0.5, companion_weight=0.25)
    return AttackDetectorPair(Says(first), Says(companion), ModelName("pair"), scale=scale)


def test_a_pair_adds_weighted_log_odds() -> None:
    image, box = FaceImage(np.zeros((9, 9, 3), np.uint8)), Box(1, 1, 5, 5)
    score = pair_of(0.3, -2.0).score(image, box).value
    assert score == pytest.approx(1 / (1 + math.exp(-(2 * (0.3 - 0.5) - 0.5))))
    assert pair_of(0.4, -2.0).score(image, box).value > score
    assert pair_of(0.3, -1.0).score(image, box).value > score
    assert pair_of(0, 0).model == "pair"


def test_one_broken_detector_of_a_pair_leaves_no_score() -> None:
    image, box = FaceImage(np.zeros((9, 9, 3), np.uint8)), Box(1, 1, 5, 5)
    with pytest.raises(InvalidParameter):
        pair_of(math.nan, 1).score(image, box)
    with pytest.raises(InvalidParameter):
        pair_of(1, math.nan).score(image, box)


@pytest.mark.parametrize("weight", [0, -1, math.nan, math.inf])
def test_a_companion_that_counts_for_nothing_or_less_is_refused(weight: float) -> None:
    with pytest.raises(InvalidParameter):
        PairScale(slope=1, offset=0, companion_weight=weight)
