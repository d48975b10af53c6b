"""Which way up: the orientation tag of EXIF (CIPA DC-008, tag 0x0112) and how to obey it."""

from __future__ import annotations

import struct

import cv2
import numpy as np
from numpy.typing import NDArray

_TAG = 0x0112
_SHORT = 3
_ENTRY_BYTES = 12
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
UPRIGHT = 1


def read_orientation(exif: bytes) -> int:
    """1..8 from an EXIF block (with or without its ``Exif`` prefix); 1 when it cannot be read.

    Nothing but this one number is taken from it, so nothing else in it can do harm.
    """
    tiff = exif.removeprefix(b"Exif\0\0")
    order = _BYTE_ORDERS.get(tiff[:4])
    if order is None:
        return UPRIGHT
    try:
        value = _first_directory_value(tiff, order)
    except struct.error:
        return UPRIGHT
    return value if 1 <= value <= 8 else UPRIGHT


def _first_directory_value(tiff: bytes, order: str) -> int:
    (start,) = struct.unpack_from(order + "I", tiff, 4)
    (entries,) = struct.unpack_from(order + "H", tiff, start)
    for number in range(entries):
        offset = start + 2 + number * _ENTRY_BYTES
        tag, kind, count = struct.unpack_from(order + "HHI", tiff, offset)
        if tag == _TAG and kind == _SHORT and count == 1:
            (value,) = struct.unpack_from(order + "H", tiff, offset + 8)
            return int(value)
    return UPRIGHT


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
