from __future__ import annotations

import numpy as np
import pytest

from perse.imaging.light import luma, luminance, mean_colour


@pytest.mark.parametrize(
    ("grey", "y"), [(0, 0), (87, 24), (88, 25), (251, 246), (252, 248), (255, 255)]
)
def test_luminance_is_linear_light(grey: int, y: int) -> None:
    assert luminance(np.full((1, 1, 3), grey, np.uint8)).tolist() == [[y]]


@pytest.mark.parametrize(
    ("rgb", "y"), [((255, 0, 0), 54), ((0, 255, 0), 182), ((0, 0, 255), 18), ((255, 255, 0), 237)]
)
def test_luminance_weighs_the_channels(rgb: tuple[int, int, int], y: int) -> None:
    assert luminance(np.array([[rgb]], np.uint8))[0, 0] == y


def test_luma_weighs_the_channels_as_they_are_encoded() -> None:
    pixels = np.array([[(255, 0, 0), (0, 255, 0), (0, 0, 255), (40, 40, 40)]], np.uint8)
    np.testing.assert_allclose(luma(pixels), [[76.245, 149.685, 29.07, 40]], rtol=1e-6)


def test_a_mean_colour_is_red_green_blue() -> None:
    pixels = np.array([[(0, 10, 20), (100, 30, 20)]], np.uint8)
    assert mean_colour(pixels[::1, ::1]).tolist() == [50, 20, 20]
    assert mean_colour(pixels[:, ::2]).tolist() == [0, 10, 20]
