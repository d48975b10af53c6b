from __future__ import annotations

import numpy as np
import pytest

from perse.domain.geometry import Framing
from perse.domain.samples import FaceImage
from perse.networks.canvas import lay_out

RED, GREEN, BLUE = 200, 100, 50


def plain(height: int, width: int) -> FaceImage:
    return FaceImage(np.full((height, width, 3), (RED, GREEN, BLUE), np.uint8))


@pytest.mark.parametrize(("bgr", "planes"), [(True, (BLUE, GREEN, RED)), (False, (200, 100, 50))])
def test_planes_come_in_the_order_asked_for(bgr: bool, planes: tuple[int, ...]) -> None:
    tensor = lay_out(plain(60, 40), Framing.whole(40, 60), bgr=bgr)
    assert tensor.shape == (1, 3, 64, 64)
    assert tensor.dtype == np.float32
    assert tuple(tensor[0, :, 30, 20]) == planes


def test_what_is_added_to_fill_the_stride_is_black() -> None:
    tensor = lay_out(plain(60, 40), Framing.whole(40, 60), bgr=True)
    assert not tensor[0, :, 60:].any()
    assert not tensor[0, :, :, 40:].any()
    assert (tensor[0, :, :60, :40] > 0).all()


def test_a_framing_beyond_the_picture_has_a_black_margin() -> None:
    tensor = lay_out(plain(100, 100), Framing(-50, -50, 150, 150, 0.32), bgr=True)
    assert tensor.shape == (1, 3, 64, 64)
    assert not tensor[0, :, :16].any()
    assert (tensor[0, 2, 16:48, 16:48] == RED).all()
    assert not tensor[0, :, :, 48:].any()


def test_a_part_is_shown_at_its_scale() -> None:
    image = plain(100, 200)
    image.pixels[20:40, 60:100] = 0
    tensor = lay_out(image, Framing(60, 20, 100, 40, 2.0), bgr=True)
    assert not tensor[0, :, 1:39, 1:79].any()


def test_a_framing_outside_the_picture_is_black() -> None:
    assert not lay_out(plain(10, 10), Framing(20, 20, 40, 40, 1.0), bgr=True).any()
