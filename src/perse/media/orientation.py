"""Which way up: the orientation tag of EXIF (CIPA DC-008, tag 0x0112) and how to obey it.

Written in more ways than the standard knows; read as most readers of pictures read it. Which
readers and ways those are stands in ``docs/orientation.md``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping

import cv2

from perse.domain.samples import Pixels
from perse.imaging.room import room_for

UPRIGHT = 1
EXIF_PREFIXES = (b"Exif\0\0", b"Exif\0\xff")

_TAG = 0x0112
_ENTRY_BYTES = 12
_VALUE_BYTES = 4
_ON_ITS_SIDE = (5, 6, 7, 8)
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
# BYTE, SHORT and LONG, and the same with a sign.
_INTEGERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i"}


def orientation_of(blocks: Iterable[bytes]) -> int:
    """1..8 from the first EXIF block (with or without its ``Exif`` prefix) that holds the tag; 1
    when none does, or when it holds another number.

    Nothing but this one number is taken from them, so nothing else in them can do harm.
    """
    found = (value for value in map(_orientation, blocks) if value is not None)
    value = next(found, UPRIGHT)
    return value if 1 <= value <= 8 else UPRIGHT


def _orientation(exif: bytes) -> int | None:
    tiff = exif[len(EXIF_PREFIXES[0]) :] if exif.startswith(EXIF_PREFIXES) else exif
    order = _BYTE_ORDERS.get(tiff[:4])
    if order is None:
        return None
    try:
        return _first_directory_value(tiff, order)
    except struct.error:
        return None


def _first_directory_value(tiff: bytes, order: str) -> int | None:
    (start,) = struct.unpack_from(order + "I", tiff, 4)
    (entries,) = struct.unpack_from(order + "H", tiff, start)
    for number in range(entries):
        offset = start + 2 + number * _ENTRY_BYTES
        tag, kind, count = struct.unpack_from(order + "HHI", tiff, offset)
        if tag == _TAG and kind in _INTEGERS:
            form = order + _INTEGERS[kind]
            if 1 <= count <= _VALUE_BYTES // struct.calcsize(form):
                (value,) = struct.unpack_from(form, tiff, offset + 8)
                return int(value)
    return None


def turn_upright(pixels: Pixels, orientation: int) -> Pixels:
    """The picture as it is meant to be seen; contiguous."""
    if orientation not in _TURNS:
        return pixels
    height, width, *channels = pixels.shape
    sides = (width, height) if orientation in _ON_ITS_SIDE else (height, width)
    turned = room_for(*sides, *channels)
    _TURNS[orientation](pixels, turned)
    return turned


def _transverse(pixels: Pixels, turned: Pixels) -> None:
    cv2.transpose(pixels, turned)
    cv2.flip(turned, -1, turned)


_TURNS: Mapping[int, Callable[[Pixels, Pixels], object]] = {
    2: lambda pixels, turned: cv2.flip(pixels, 1, turned),
    3: lambda pixels, turned: cv2.rotate(pixels, cv2.ROTATE_180, turned),
    4: lambda pixels, turned: cv2.flip(pixels, 0, turned),
    5: cv2.transpose,
    6: lambda pixels, turned: cv2.rotate(pixels, cv2.ROTATE_90_CLOCKWISE, turned),
    7: _transverse,
    8: lambda pixels, turned: cv2.rotate(pixels, cv2.ROTATE_90_COUNTERCLOCKWISE, turned),
}
