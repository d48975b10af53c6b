from __future__ import annotations

import numpy as np
import pytest

from perse.domain.samples import FaceImage, Pixels
from perse.imaging.halves import shrink_picture
from perse.imaging.shrinking import shrink_smoothly


def picture(height: int, width: int) -> Pixels:
    return np.random.default_rng(7).integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("size", [(50, 66), (49, 67), (100, 133), (300, 10), (1, 1)])
def test_shrinking_neither_aliases_nor_shifts_the_mean(size: tuple[int, int]) -> None:
    stripes = np.zeros((400, 300, 3), np.uint8)
    stripes[:, ::2] = 200
    small = shrink_smoothly(stripes, size)
    assert small.shape[1::-1] == size
    if size[0] <= 150 and size[1] <= 200:
        assert np.abs(small.astype(int) - 100).max() <= 1


def test_the_same_size_is_the_same_picture() -> None:
    pixels = picture(8, 9)
    assert shrink_smoothly(pixels, (9, 8)) is pixels


@pytest.mark.parametrize("size", [(1, 1), (40, 30), (150, 200), (151, 200), (300, 400), (500, 9)])
def test_a_picture_shrinks_as_its_pixels_do_whatever_was_asked_of_it_before(
    size: tuple[int, int],
) -> None:
    pixels = picture(400, 300)
    image = FaceImage(pixels)
    for asked in ((75, 100), (1, 1), size):
        assert (shrink_picture(image, asked) == shrink_smoothly(pixels, asked)).all()


def test_a_picture_is_halved_once_for_all_who_ask() -> None:
    image = FaceImage(picture(400, 300))
    shrink_picture(image, (75, 100))
    kept = image.halves[1]
    shrink_picture(image, (149, 190))
    assert image.halves[1] is kept


def test_of_a_large_picture_no_large_half_is_kept() -> None:
    image = FaceImage(np.zeros((3000, 2000, 3), np.uint8))
    shrink_picture(image, (200, 300))
    assert sorted(image.halves) == [2, 3]
