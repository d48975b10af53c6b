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
from perse.errors import InvalidFileType
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


@pytest.mark.parametrize("mode", ["1", "L", "P", "I;16", "RGB", "RGBA", "LA"])
def test_a_large_png_is_decoded_as_any_other(mode: str) -> None:
    """Pillow decodes it into room of ours; its own would be made ready while all wait."""
    y, x = np.indices((2600, 3300))
    noise = np.random.default_rng(3).integers(0, 256, (260, 330), np.uint8).repeat(10, 0)
    shades = (noise.repeat(10, 1) ^ (x // 50 + y // 70)).astype(np.uint8)
    if mode == "I;16":
        picture = Image.fromarray(shades.astype(np.uint16) * 257)
    else:
        colours = Image.fromarray(np.stack([shades, shades[::-1], shades[:, ::-1]], axis=-1))
        picture = colours.quantize(64) if mode == "P" else colours.convert(mode)
    expected = Image.fromarray(shades) if mode == "I;16" else picture.convert("RGB")
    pixels = decode_image(saved(picture, "PNG", compress_level=1)).pixels
    assert np.array_equal(pixels, np.asarray(expected.convert("RGB")))
    assert is_mapping(pixels)


def test_a_large_png_that_is_cut_off_is_damaged() -> None:
    data = saved(scene(), "PNG", compress_level=1)
    with pytest.raises(InvalidFileType, match="damaged"):
        decode_image(data[: len(data) * 2 // 3])
