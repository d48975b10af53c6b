from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perse.domain.geometry import (
    Box,
    Framing,
    Landmarks,
    overlap_with_each,
    suppress_overlaps,
)
from perse.errors import InvalidParameter

SIZES = st.integers(1, 3000)


@pytest.mark.parametrize(
    "values", [(0, 0, 0, 5), (0, 0, 5, -1), (float("nan"), 0, 5, 5), (0, float("inf"), 5, 5)]
)
def test_a_box_that_is_none_cannot_exist(values: tuple[float, float, float, float]) -> None:
    with pytest.raises(InvalidParameter):
        Box(*values)


def test_landmarks_are_five_finite_points() -> None:
    with pytest.raises(InvalidParameter):
        Landmarks(np.zeros((4, 2), np.float32))
    with pytest.raises(InvalidParameter):
        Landmarks(np.full((5, 2), np.nan, np.float32))


def test_a_framing_shows_something() -> None:
    with pytest.raises(InvalidParameter):
        Framing(10, 0, 10, 20, 1.0)
    with pytest.raises(InvalidParameter):
        Framing(0, 0, 10, 20, 0.0)


@given(SIZES, SIZES, st.floats(0.01, 4), st.integers(-500, 500), st.integers(-500, 500))
def test_corners_of_the_canvas_are_corners_of_the_part(
    width: int, height: int, scale: float, left: int, top: int
) -> None:
    framing = Framing(left, top, left + width, top + height, scale)
    corners = np.array([[0, 0], framing.canvas_size_px], np.float32)
    expected = [[left, top], [left + width, top + height]]
    assert framing.to_picture(corners) == pytest.approx(np.array(expected), abs=0.01)


def test_overlap_is_intersection_over_union() -> None:
    box = np.array([0, 0, 10, 10], np.float32)
    others = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30], [2, 2, 4, 4]], np.float32)
    assert overlap_with_each(box, others) == pytest.approx(np.array([1, 1 / 3, 0, 0.04]))


def test_the_best_of_overlapping_boxes_stays() -> None:
    corners = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]], np.float32)
    scores = np.array([0.8, 0.9, 0.7], np.float32)
    assert suppress_overlaps(corners, scores, overlap=0.3).tolist() == [1, 2]


def test_equal_scores_keep_their_order() -> None:
    corners = np.array([[0, 0, 10, 10], [1, 0, 11, 10]], np.float32)
    assert suppress_overlaps(corners, np.full(2, 0.9, np.float32), overlap=0.3).tolist() == [0]


def test_no_boxes_leave_none() -> None:
    none = suppress_overlaps(np.empty((0, 4), np.float32), np.empty(0, np.float32), overlap=0.3)
    assert none.size == 0


@given(st.integers(0, 60), st.integers(0, 2**32 - 1))
def test_what_stays_does_not_overlap_and_covers_what_went(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    upper_left = rng.uniform(0, 50, (count, 2))
    sizes = rng.uniform(1, 40, (count, 2))
    corners = np.hstack((upper_left, upper_left + sizes), dtype=np.float32)
    scores = rng.random(count, np.float32)
    kept = suppress_overlaps(corners, scores, overlap=0.4)
    assert (np.diff(scores[kept]) <= 0).all()
    for position, index in enumerate(kept):
        assert (overlap_with_each(corners[index], corners[kept[position + 1 :]]) <= 0.4).all()
    for index in set(range(count)) - set(kept.tolist()):
        better = kept[scores[kept] >= scores[index]]
        assert (overlap_with_each(corners[index], corners[better]) > 0.4).any()


def test_only_so_many_are_looked_at() -> None:
    corners = np.array([[0, 0, 1, 1], [5, 5, 6, 6], [9, 9, 10, 10]], np.float32)
    scores = np.array([0.1, 0.3, 0.2], np.float32)
    assert suppress_overlaps(corners, scores, overlap=0.3, most=2).tolist() == [1, 2]
