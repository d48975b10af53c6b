from __future__ import annotations

import cv2
import numpy as np
import pytest

from perse.domain.alignment import SimilarityTransform
from perse.domain.samples import FaceImage, Pixels
from perse.imaging.cutting import cut_chip
from perse.networks.face_chip import planes_of


def moved(scale: float, x: float, y: float) -> SimilarityTransform:
    return SimilarityTransform(scale, complex(x, y))


def smooth_picture(size_px: int) -> Pixels:
    """The same scene at any size: waves that only the place within the square decides."""
    place = (np.arange(size_px) + 0.5) / size_px
    x, y = np.meshgrid(place, place)
    waves = np.stack((np.sin(9 * x + 4 * y), np.cos(7 * y), np.sin(11 * x)), axis=-1)
    return np.asarray(127.5 + 120 * waves, np.uint8)


def test_nothing_changes_when_nothing_moves() -> None:
    picture = smooth_picture(64)
    np.testing.assert_array_equal(cut_chip(FaceImage(picture), moved(1, 0, 0), 64), picture)


def test_a_shift_takes_that_part() -> None:
    picture = smooth_picture(96)
    np.testing.assert_array_equal(
        cut_chip(FaceImage(picture), moved(1, -20, -7), 32), picture[7:39, 20:52]
    )


@pytest.mark.parametrize("times", [2, 3, 4, 7, 11])
def test_the_chip_is_the_same_whatever_the_size_of_the_picture(times: int) -> None:
    # Pixel centres are whole numbers: x of the chip = (x of the picture + 0.5) / times - 0.5.
    large = smooth_picture(112 * times)
    chip = cut_chip(FaceImage(large), moved(1 / times, 0.5 / times - 0.5, 0.5 / times - 0.5), 112)
    gap = np.abs(chip.astype(int) - smooth_picture(112).astype(int))[2:-2, 2:-2]
    assert gap.max() <= 4


def test_what_is_cut_small_is_cut_from_the_picture_halved_once() -> None:
    image = FaceImage(smooth_picture(448))
    whole = cut_chip(image, moved(1 / 4, -0.375, -0.375), 112)
    kept = image.halves[2]
    np.testing.assert_array_equal(whole, kept)
    cut_chip(image, moved(1 / 4, 3, -7), 40)
    assert image.halves[2] is kept


def test_of_a_large_picture_only_what_is_shown_is_halved() -> None:
    image = FaceImage(np.zeros((2000, 3000, 3), np.uint8))
    cut_chip(image, moved(1 / 2, 0, 0), 112)
    assert not image.halves


def test_a_fine_pattern_turns_grey_instead_of_aliasing() -> None:
    board = np.indices((800, 800)).sum(axis=0) % 2 * 255
    picture = np.repeat(board[..., None], 3, axis=2).astype(np.uint8)
    chip = cut_chip(FaceImage(picture), moved(1 / 8, 0, 0), 90)
    assert np.ptp(chip[2:-2, 2:-2]) <= 4


def test_outside_the_picture_is_black() -> None:
    white = np.full((50, 50, 3), 255, np.uint8)
    chip = cut_chip(FaceImage(white), moved(1, 25, 0), 50)
    assert chip[:, :24].max() == 0
    assert chip[:, 26:].min() == 255
    assert cut_chip(FaceImage(white), moved(1, 5000, -5000), 50).max() == 0


def test_a_turn_is_followed() -> None:
    picture = smooth_picture(101)
    turn = SimilarityTransform(1j, 100)
    expected = cv2.rotate(picture, cv2.ROTATE_90_CLOCKWISE)
    np.testing.assert_array_equal(cut_chip(FaceImage(picture), turn, 101), expected)


def test_planes_are_normalised_per_channel() -> None:
    chip = np.tile(np.array([10, 20, 30], np.uint8), (4, 4, 1))
    planes = planes_of(chip, (10, 10, 10), (1, 2, 4))
    assert planes.shape == (1, 3, 4, 4)
    assert planes.dtype == np.float32
    np.testing.assert_allclose(planes[0, :, 0, 0], [0, 5, 5])
