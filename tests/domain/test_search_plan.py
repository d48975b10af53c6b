from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perse.domain.geometry import Box, DetectedFace, Framing, Landmarks
from perse.domain.search_plan import SearchPlan, reaches_into
from perse.errors import InvalidParameter

PLAN = SearchPlan(
    glance_px=448, small_face_px=32, close_px=2048, tile_px=768, overlap_px=96, step_back_px=160
)
SIDES = st.integers(1, 12_000)


def face(left: float, top: float, side: float) -> DetectedFace:
    return DetectedFace(Box(left, top, side, side), Landmarks(np.zeros((5, 2), np.float32)), 0.9)


def test_tiles_are_longer_than_their_overlap() -> None:
    with pytest.raises(InvalidParameter):
        SearchPlan(
            glance_px=448, small_face_px=32, close_px=99, tile_px=90, overlap_px=96, step_back_px=9
        )


@given(SIDES, SIDES)
def test_a_glance_shows_everything_at_a_bounded_size(width: int, height: int) -> None:
    glance = PLAN.glance(width, height)
    assert (glance.left, glance.top, glance.right, glance.bottom) == (0, 0, width, height)
    assert max(glance.canvas_size_px) <= PLAN.glance_px
    assert glance.scale <= PLAN.greatest_scale


@given(SIDES, SIDES)
def test_the_close_look_covers_the_picture_in_bounded_tiles(width: int, height: int) -> None:
    tiles = PLAN.close(width, height)
    assert min(tile.left for tile in tiles) == min(tile.top for tile in tiles) == 0
    assert max(tile.right for tile in tiles) == width
    assert max(tile.bottom for tile in tiles) == height
    assert all(max(tile.canvas_size_px) <= PLAN.tile_px + 2 for tile in tiles)
    assert all(tile.scale <= 1 for tile in tiles)


@given(st.integers(600, 6000), st.data())
def test_any_face_up_to_the_overlap_is_whole_in_some_tile(length: int, data: st.DataObject) -> None:
    tiles = PLAN.close(length, 400)
    side = PLAN.overlap_px / tiles[0].scale - 2 / tiles[0].scale
    left = data.draw(st.floats(0, length - side))
    cut = [
        reaches_into(tile, face(left, 100, side), width_px=length, height_px=400)
        for tile in tiles
        if tile.left - 1 <= left and left + side <= tile.right + 1
    ]
    assert not all(cut)


def test_a_face_at_the_pictures_own_border_does_not_reach_into_another_tile() -> None:
    framing = Framing(0, 0, 100, 100, 1.0)
    assert not reaches_into(framing, face(-3, 40, 30), width_px=300, height_px=100)
    assert reaches_into(framing, face(80, 40, 20), width_px=300, height_px=100)


def test_stepping_back_leaves_a_margin_all_around() -> None:
    framing = PLAN.step_back(1080, 1320)
    assert (framing.left, framing.top, framing.right, framing.bottom) == (-660, -660, 1740, 1980)
    assert max(framing.canvas_size_px) == 2 * PLAN.step_back_px


def test_small_faces_and_no_faces_call_for_the_close_look() -> None:
    glance = PLAN.glance(1080, 1320)
    assert PLAN.is_close_worthwhile([], glance)
    assert PLAN.is_close_worthwhile([face(0, 0, 500), face(900, 9, 60)], glance)
    assert not PLAN.is_close_worthwhile([face(0, 0, 500), face(900, 9, 160)], glance)
