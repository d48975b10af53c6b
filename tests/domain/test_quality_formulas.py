"""Golden values of ISO/IEC 29794-5 as OFIQ 1.0.3 computes them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perse.domain.colour_cast import UNNATURAL, colour_component, skin_cast
from perse.domain.light import lab_d50
from perse.domain.quality import overexposure_component, pose_component, underexposure_component


@pytest.mark.parametrize(
    ("share", "quality"),
    [(0, 100), (0.5, 100), (0.7, 98), (0.8, 90), (0.85, 76), (0.9, 52), (1, 0)],
)
def test_underexposure(share: float, quality: int) -> None:
    assert underexposure_component(share) == quality


@pytest.mark.parametrize(
    ("share", "quality"), [(0, 100), (0.005, 67), (0.01, 50), (0.02, 33), (0.04, 20), (0.1, 9)]
)
def test_overexposure(share: float, quality: int) -> None:
    assert overexposure_component(share) == quality


@pytest.mark.parametrize(("cast", "quality"), [(0, 100), (5, 76), (10, 54), (20, 24), (100, 0)])
def test_colour(cast: float, quality: int) -> None:
    assert colour_component(cast) == quality


@pytest.mark.parametrize(
    ("angle", "quality"), [(0, 100), (10, 97), (-20, 88), (30, 75), (45, 50), (90, 0), (170, 0)]
)
def test_pose(angle: float, quality: int) -> None:
    assert pose_component(angle) == quality


@pytest.mark.parametrize(
    ("a", "b", "cast"),
    [(5, 5, 0), (25, 35, 0), (15, 20, 0), (2, 1, 5), (28, 39, 5), (-0.1, 20, 100), (10, -3, 100)],
)
def test_skin_cast(a: float, b: float, cast: float) -> None:
    assert skin_cast(a, b) == pytest.approx(cast)
    assert skin_cast(a, b) <= UNNATURAL


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((255, 255, 255), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((255, 0, 0), (54.29, 80.80, 69.89)),
        ((0, 255, 0), (87.82, -79.27, 80.99)),
        ((0, 0, 255), (29.57, 68.29, -112.03)),
    ],
)
def test_lab_under_d50(rgb: tuple[int, ...], lab: tuple[float, ...]) -> None:
    """Reference values of sRGB's primaries under D50, as colour pickers of the print trade show."""
    assert lab_d50(np.array(rgb, np.float64)) == pytest.approx(lab, abs=0.06)


@given(st.floats(0, 1), st.floats(0, 1))
def test_components_fall_with_the_fault(first: float, second: float) -> None:
    less, more = sorted((first, second))
    assert underexposure_component(less) >= underexposure_component(more)
    assert overexposure_component(less) >= overexposure_component(more)
    assert colour_component(100 * less) >= colour_component(100 * more)
