"""WebP (RFC 9649): size by our own look, pixels by Pillow."""

from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
from PIL.WebPImagePlugin import WebPImageFile

from perse.media.orientation import UPRIGHT, read_orientation
from perse.media.raster import Header, Raster

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
        read_orientation(_chunk(data, b"EXIF")) if b"EXIF" in data else UPRIGHT,
        (_chunk(data, b"ICCP") if b"ICCP" in data else None) or None,
    )


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
    """The first frame of an animation. Raises ValueError or OSError."""
    with WebPImageFile(BytesIO(data)) as picture:
        if picture.size != (header.width_px, header.height_px):
            raise ValueError("two sizes in one file")
        picture.load()
        if picture.mode == "RGBA":
            return Raster(np.asarray(picture), "RGBA")
        return Raster(np.asarray(picture.convert("RGB")), "RGB")
