"""WebP (RFC 9649): size by our own look, pixels by libwebp through OpenCV."""

from __future__ import annotations

import os
import struct
from io import BytesIO

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray
from PIL.WebPImagePlugin import WebPImageFile

from perse.domain.samples import Pixels
from perse.errors import FileTooLarge
from perse.imaging.room import LARGE_BYTES, room_for
from perse.media.orientation import orientation_of
from perse.media.raster import Header, Raster, over_white, raster_of, strips

# With less OpenCV does not look at a file, however small its picture, and complains aloud.
_LEAST_BYTES = 32
_UNTOUCHED = 1
# The decoder of animations holds several whole frames.
_LARGEST_ANIMATION_PIXELS = 10_000_000
_ANIMATED_FLAG, _EXIF_FLAG, _ALPHA_FLAG = 0x02, 0x08, 0x10
_SIDE_BITS = 14
_SIDE_MASK = (1 << _SIDE_BITS) - 1


def is_webp(data: bytes) -> bool:
    """By its container's first twelve bytes."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def read_webp_header(data: bytes) -> Header:
    """Raises ValueError or struct.error for damage. Nothing is decoded."""
    width, height = _size(data)
    return Header(
        width,
        height,
        orientation_of((_chunk(data, b"EXIF"),) if _has_flag(data, _EXIF_FLAG) else ()),
        (_chunk(data, b"ICCP") if b"ICCP" in data else None) or None,
    )


def read_webp_size(data: bytes) -> Header:
    """The size alone. Raises ValueError or struct.error for damage."""
    return Header(*_size(data))


def _size(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & _SIDE_MASK, height & _SIDE_MASK
    if kind == b"VP8L" and data[20:21] == b"\x2f":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & _SIDE_MASK) + 1, (bits >> _SIDE_BITS & _SIDE_MASK) + 1
    if kind == b"VP8X" and len(data) >= 30:
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        return width, height
    raise ValueError("no picture")


def _chunk(data: bytes, wanted: bytes) -> bytes:
    position = 12
    while position + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, position)
        if name == wanted:
            return data[position + 8 : position + 8 + length]
        position += 8 + length + length % 2
    return b""


def decode_webp(data: bytes, header: Header) -> Raster:
    """The first frame of an animation. Raises ValueError or OSError for damage, FileTooLarge for
    a large animation."""
    if _has_flag(data, _ANIMATED_FLAG):
        return _first_frame(data, header)
    pixels = _decoded(data.ljust(_LEAST_BYTES, b"\0"), header)
    if pixels is None or pixels.shape[:2] != (header.height_px, header.width_px):
        raise ValueError("no picture of that size")
    if pixels.shape[2] == 4:
        return Raster(_solid(np.asarray(pixels, np.uint8)), "RGB")
    return Raster(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=pixels), np.uint8), "RGB")


def _decoded(data: bytes, header: Header) -> MatLike | None:
    """BGR or BGRA; None for damage.

    What OpenCV decodes from memory it copies into an array of its own, and nobody may run while
    that is made ready: 2 ms a megapixel. From a file it decodes into a given one, so the bytes of
    a large picture become a file, in memory (Linux).
    """
    large = 3 * header.pixels >= LARGE_BYTES and _is_opaque(data)
    if large and hasattr(os, "memfd_create"):
        pixels = _decoded_from_file(data, room_for(header.height_px, header.width_px, 3))
        if pixels is None or (pixels[-1, -1] != _UNTOUCHED).any():
            return pixels
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


def _decoded_from_file(data: bytes, room: Pixels) -> MatLike | None:
    """In ``room``, whose last pixel is ``_UNTOUCHED`` if OpenCV never began: then it hands back the
    array as it was, as if that were the picture."""
    room[-1, -1] = _UNTOUCHED
    with os.fdopen(os.memfd_create("perse-webp"), "wb") as file:
        file.write(data)
        file.flush()
        return cv2.imread(f"/proc/self/fd/{file.fileno()}", room, cv2.IMREAD_UNCHANGED)


def _is_opaque(data: bytes) -> bool:
    """False for what has four channels, or might have."""
    if data[12:16] == b"VP8X":
        return not _has_flag(data, _ALPHA_FLAG) and b"VP8L" not in data
    return data[12:16] == b"VP8 " or not data[24] & _ALPHA_FLAG  # VP8L's bit 28


def _has_flag(data: bytes, flag: int) -> bool:
    return data[12:16] == b"VP8X" and bool(data[20] & flag)


def _first_frame(data: bytes, header: Header) -> Raster:
    """By Pillow, which does not print about damaged frames as OpenCV does."""
    if header.pixels > _LARGEST_ANIMATION_PIXELS:
        raise FileTooLarge("This animated WebP is too large: send a still picture.")
    with WebPImageFile(BytesIO(data)) as picture:
        if picture.size != (header.width_px, header.height_px):
            raise ValueError("no picture of that size")
        picture.load()
        return raster_of(picture)


def _solid(pixels: NDArray[np.uint8]) -> Pixels:
    """From BGRA."""
    height, width = pixels.shape[:2]
    result = room_for(height, width, 3)
    for rows in strips(height, width):
        result[rows] = over_white(np.asarray(cv2.cvtColor(pixels[rows], cv2.COLOR_BGRA2RGBA)))
    return result
