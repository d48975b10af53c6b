from __future__ import annotations

import numpy as np
import pytest

from perse.evaluation.treatments import TREATMENTS, turned

RNG = np.random.default_rng(5)
PICTURE = RNG.integers(0, 256, (120, 100, 3), np.uint8)
LANDMARKS = np.array([[35, 45], [65, 45], [50, 60], [38, 80], [62, 80]], np.float32)


@pytest.mark.parametrize("name", TREATMENTS)
def test_a_treatment_changes_the_picture_the_same_way_every_time(name: str) -> None:
    before = PICTURE.copy()
    treated = TREATMENTS[name](PICTURE, LANDMARKS)
    assert treated.dtype == np.uint8
    assert treated.ndim == 3
    assert treated.shape[2] == 3
    assert not np.array_equal(treated, PICTURE)
    np.testing.assert_array_equal(treated, TREATMENTS[name](PICTURE, LANDMARKS))
    np.testing.assert_array_equal(PICTURE, before)


def test_four_quarters_are_a_whole_turn() -> None:
    picture = PICTURE
    for _ in range(4):
        picture = turned(1)(picture, LANDMARKS)
    np.testing.assert_array_equal(picture, PICTURE)


@pytest.mark.parametrize(("name", "hidden"), [("mask", (38, 80)), ("sunglasses", (35, 45))])
def test_what_is_drawn_lies_where_the_face_is(name: str, hidden: tuple[int, int]) -> None:
    x, y = hidden
    treated = TREATMENTS[name](PICTURE, LANDMARKS)
    around = treated[y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 3)
    assert len(np.unique(around, axis=0)) == 1
    np.testing.assert_array_equal(treated[:10], PICTURE[:10])
