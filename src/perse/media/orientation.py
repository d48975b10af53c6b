"""Which way up: the orientation tag of EXIF (CIPA DC-008, tag 0x0112) and how to obey it.

Written in more ways than the standard knows; read as most readers of pictures read it. Which
readers and ways those are stands in ``docs/orientation.md``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

UPRIGHT = 1
EXIF_PREFIXES = (b"Exif\0\0", b"Exif\0\xff")

_TAG = 0x0112
_ENTRY_BYTES = 12
_VALUE_BYTES = 4
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


def turn_upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """The picture as it is meant to be seen; contiguous."""
    if orientation in (5, 7):
        pixels = np.asarray(cv2.transpose(pixels), np.uint8)
    match orientation:
        case 2:
            turned = cv2.flip(pixels, 1)
        case 3 | 7:
            turned = cv2.rotate(pixels, cv2.ROTATE_180)
        case 4:
            turned = cv2.flip(pixels, 0)
        case 6:
            turned = cv2.rotate(pixels, cv2.ROTATE_90_CLOCKWISE)
        case 8:
            turned = cv2.rotate(pixels, cv2.ROTATE_90_COUNTERCLOCKWISE)
        case _:
            return pixels
    return np.asarray(turned, np.uint8)
