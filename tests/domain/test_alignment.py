from __future__ import annotations

import cmath
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perse.domain.alignment import (
    ARCFACE_TEMPLATE,
    ChipFrame,
    SimilarityTransform,
    fitted_canon,
    mirrored,
)
from perse.domain.detector_points import DetectorPoints
from perse.domain.geometry import Landmarks
from perse.errors import InvalidParameter
from perse.networks import yunet


def transform(*, turn_deg: float, scale: float, shift: tuple[float, float]) -> SimilarityTransform:
    return SimilarityTransform(cmath.rect(scale, math.radians(turn_deg)), complex(*shift))


transforms = st.builds(
    transform,
    turn_deg=st.floats(-180, 180),
    scale=st.floats(0.05, 20),
    shift=st.tuples(st.floats(-2000, 2000), st.floats(-2000, 2000)),
)


@given(transforms)
def test_a_known_transform_is_found_again(known: SimilarityTransform) -> None:
    found = SimilarityTransform.fit(ARCFACE_TEMPLATE, known.apply(ARCFACE_TEMPLATE))
    np.testing.assert_allclose(found.matrix, known.matrix, atol=1e-7)
    assert found.scale == pytest.approx(known.scale)


@given(transforms)
def test_there_and_back_is_nowhere(known: SimilarityTransform) -> None:
    there = known.apply(ARCFACE_TEMPLATE)
    np.testing.assert_allclose(known.inverse().apply(there), ARCFACE_TEMPLATE, atol=1e-6)


def test_the_fit_is_the_least_squares_one() -> None:
    random = np.random.default_rng(7)
    source, target = random.normal(size=(5, 2)), random.normal(size=(5, 2))
    x, y = source.T
    one, nought = np.ones(5), np.zeros(5)
    rows = np.concatenate(
        (np.column_stack((x, -y, one, nought)), np.column_stack((y, x, nought, one)))
    )
    a, b, u, v = np.linalg.lstsq(rows, target.T.ravel(), rcond=None)[0]
    fitted = SimilarityTransform.fit(source, target)
    np.testing.assert_allclose(fitted.matrix, [[a, -b, u], [b, a, v]], atol=1e-12)


def test_no_reflection_comes_out_of_a_mirrored_face() -> None:
    fitted = SimilarityTransform.fit(ARCFACE_TEMPLATE * (-1, 1), ARCFACE_TEMPLATE)
    assert np.linalg.det(fitted.matrix[:, :2]) > 0


def test_points_that_coincide_are_refused() -> None:
    with pytest.raises(InvalidParameter, match="coincide"):
        SimilarityTransform.fit(np.ones((5, 2)), ARCFACE_TEMPLATE)


def test_a_transform_to_a_point_has_no_way_back() -> None:
    with pytest.raises(InvalidParameter, match="no way back"):
        SimilarityTransform(0, 0).inverse()


def test_a_chip_of_112_is_the_common_frame_itself() -> None:
    np.testing.assert_allclose(ChipFrame(112).place(ARCFACE_TEMPLATE), ARCFACE_TEMPLATE)


def test_a_larger_chip_keeps_the_face_in_its_place() -> None:
    frame = ChipFrame(224)
    np.testing.assert_allclose(
        frame.place([(-0.5, -0.5), (111.5, 111.5)]), [(-0.5,) * 2, (223.5,) * 2]
    )


@pytest.mark.parametrize(("size_px", "side"), [(0, 112.0), (112, 0.0), (112, float("nan"))])
def test_a_chip_without_size_is_refused(size_px: int, side: float) -> None:
    with pytest.raises(InvalidParameter):
        ChipFrame(size_px, side)


def test_mirroring_exchanges_right_and_left_and_twice_is_nothing() -> None:
    face = Landmarks(np.array([[30, 50], [70, 48], [52, 70], [35, 90], [68, 91]], np.float32))
    other = mirrored(face, 100)
    np.testing.assert_array_equal(other.points[0], [29, 48])
    np.testing.assert_array_equal(other.points[3], [31, 91])
    np.testing.assert_array_equal(mirrored(other, 100).points, face.points)


def test_a_canon_is_found_from_faces_of_any_size_turn_and_place() -> None:
    random = np.random.default_rng(3)
    shape = ARCFACE_TEMPLATE + random.normal(scale=1.5, size=(5, 2))
    faces = [
        transform(turn_deg=t, scale=s, shift=(x, y)).apply(shape)
        for t, s, x, y in random.uniform((-60, 0.3, -500, -500), (60, 9, 900, 900), (40, 4))
    ]
    canon = fitted_canon(np.array(faces))
    laid = SimilarityTransform.fit(shape, ARCFACE_TEMPLATE).apply(shape)
    np.testing.assert_allclose(canon, laid, atol=1e-6)


def test_what_stands_turned_stands_level_in_the_middle_of_the_square() -> None:
    to_square = SimilarityTransform.onto_square((40, 90), scale=2, turned_degrees=90, size_px=101)
    # 10 px to the left of a face whose head points to the right is below it when it stands upright.
    np.testing.assert_allclose(to_square.apply([(40, 90), (30, 90)]), [(50, 50), (50, 70)])


def test_a_canon_needs_faces() -> None:
    with pytest.raises(InvalidParameter):
        fitted_canon(np.empty((0, 5, 2)))


@pytest.mark.parametrize("points", [yunet.POINTS], ids=["yunet"])
def test_a_detector_s_canon_stays_near_the_template_and_cannot_be_changed(
    points: DetectorPoints,
) -> None:
    canon = points.canon
    assert np.abs(canon - ARCFACE_TEMPLATE).max() < 2.5
    fitted = SimilarityTransform.fit(canon, ARCFACE_TEMPLATE)
    assert fitted.scale == pytest.approx(1, abs=0.01)
    assert not canon.flags.writeable
