"""Nobody waits while memory for a large picture is made ready."""

from __future__ import annotations

import mmap
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from perse.domain.samples import Pixels
from perse.imaging.room import LARGE_BYTES, room_for
from perse.imaging.shrinking import halved
from perse.media.image_decoder import decode_image
from perse.media.jpeg import decode_jpeg, read_jpeg_header

# 9.4 million bytes as they are; halved once without a remainder.
WIDTH, HEIGHT = 2000, 1580


def is_mapping(pixels: Pixels) -> bool:
    """Whether the memory is the system's own, of which the C library knows nothing."""
    owner: Any = pixels
    while isinstance(owner, np.ndarray):
        owner = owner.base
    return isinstance(getattr(owner, "obj", owner), mmap.mmap)


def scene(width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    y, x = np.indices((height, width))
    colours = np.stack([x // 8, y // 7, (x + y) // 15], axis=-1) % 256
    return Image.fromarray(colours.astype(np.uint8))


def saved(picture: Image.Image, kind: str, *, orientation: int = 1, **options: object) -> bytes:
    file, exif = BytesIO(), Image.Exif()
    exif[0x0112] = orientation
    picture.save(file, kind, exif=exif, **options)
    return file.getvalue()


def test_large_room_is_the_systems_until_it_is_written() -> None:
    room = room_for(HEIGHT, WIDTH, 3)
    assert is_mapping(room)
    assert (room.shape, room.flags.c_contiguous) == ((HEIGHT, WIDTH, 3), True)
    room[:] = 7


def test_little_room_is_taken_where_the_last_was_given_back() -> None:
    assert not is_mapping(room_for(1000, 1000, 3))
    assert is_mapping(room_for(LARGE_BYTES))
    assert not is_mapping(room_for(LARGE_BYTES - 1))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_large_picture_is_read_and_turned_without_anybody_waiting(orientation: int) -> None:
    assert is_mapping(decode_image(saved(scene(), "JPEG", orientation=orientation)).pixels)


@pytest.mark.parametrize(
    ("mode", "kind"), [("L", "JPEG"), ("CMYK", "JPEG"), ("RGB", "PNG"), ("RGBA", "PNG")]
)
def test_so_is_one_of_another_kind(mode: str, kind: str) -> None:
    data = saved(scene().convert(mode), kind, compress_level=1)
    assert is_mapping(decode_image(data).pixels)


def test_so_is_one_whose_coefficients_leave_no_room() -> None:
    """Decoded at half its resolution, and enlarged."""
    data = saved(scene(), "JPEG")
    header = replace(read_jpeg_header(data), held_bytes=200_000_000)
    pixels = decode_jpeg(data, header).pixels
    assert pixels.shape == (HEIGHT, WIDTH, 3)
    assert is_mapping(pixels)


def test_so_is_the_half_of_a_larger_one() -> None:
    assert is_mapping(halved(room_for(2 * HEIGHT, 2 * WIDTH, 3)))
