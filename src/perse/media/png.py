"""PNG (W3C PNG, third edition): chunks by our own walk, pixels by Pillow."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from io import BytesIO
from itertools import chain, islice

import numpy as np
from PIL import Image
from PIL._imaging import map_buffer
from PIL.PngImagePlugin import PngImageFile

from perse.imaging.room import LARGE_BYTES, room_for
from perse.media.orientation import orientation_of
from perse.media.png_texts import inflated, is_raw_exif, raw_exif
from perse.media.raster import Header, Raster, raster_of, strips

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_FIRST_CHUNK = b"\0\0\0\rIHDR"
_KEPT = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
_LARGEST_PROFILE_BYTES = 4_000_000
_MOST_RAW_PROFILES = 4
_DEPTH_OFFSET, _COLOUR_OFFSET = 24, 25
_PALETTE_COLOURS = 3
# By Pillow's modes; the others take four.
_PIXEL_BYTES = {"L": 1, "P": 1, "I;16": 2}


def read_png_header(data: bytes) -> Header:
    """Raises ValueError or struct.error for damage. The picture data stay untouched."""
    size = read_png_size(data)
    exif, texts, profile = list[bytes](), list[tuple[bytes, bytes]](), None
    for name, body in _chunks(data):
        if name == b"eXIf":
            exif.append(body)
        elif name == b"iCCP" and profile is None:
            profile = _inflate_profile(body)
        elif is_raw_exif(name, body):
            texts.append((name, body))
    raw = (raw_exif(*text) for text in islice(texts, _MOST_RAW_PROFILES))
    return Header(size.width_px, size.height_px, orientation_of(chain(exif, raw)), profile)


def read_png_size(data: bytes) -> Header:
    """The size alone. Raises ValueError or struct.error for damage."""
    if data[len(SIGNATURE) : 16] != _FIRST_CHUNK:
        raise ValueError("no header")
    return Header(*struct.unpack_from(">II", data, 16))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = len(SIGNATURE)
    while position + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        yield name, data[position + 8 : position + 8 + length]
        position += 12 + length
        if name == b"IEND":
            return


def _inflate_profile(body: bytes) -> bytes | None:
    """A profile that does not inflate is no profile."""
    _, _, packed = body.partition(b"\0")
    return inflated(packed[1:], _LARGEST_PROFILE_BYTES)


def decode_png(data: bytes, _header: Header) -> Raster:
    """The still picture, also of an animation. Raises ValueError, OSError or SyntaxError."""
    with _RoomyPng(BytesIO(_bare(data))) as picture:
        picture.load()
        return _sixteen_bits(picture) if picture.mode.startswith("I") else raster_of(picture)


class _RoomyPng(PngImageFile):
    """Pillow's reader, which decodes into room that nobody waits for."""

    def load_prepare(self) -> None:
        width, height = self.size
        row_bytes = width * _PIXEL_BYTES.get(self.mode, 4)
        if height * row_bytes >= LARGE_BYTES:
            room = room_for(height, row_bytes)
            rows = (self.mode, row_bytes, 1)
            self.im = map_buffer(room, self.size, "raw", 0, rows)
        super().load_prepare()


def _sixteen_bits(picture: Image.Image) -> Raster:
    """Grey, 16 bits to 8 over the whole range: 0..65535 becomes 0..255."""
    width, height = picture.size
    pixels = room_for(height, width)
    for rows in strips(height, width):
        part = np.asarray(picture.crop((0, rows.start, width, rows.stop)))
        pixels[rows] = part.astype(np.uint16) >> 8
    return Raster(pixels, "L")


def _bare(data: bytes) -> bytes:
    """Only what the pixels need: no text, animation or other chunk ever reaches the decoder.

    The colour key of a 16-bit picture goes too: it cannot be matched once 8 bits are left.
    """
    kept = _KEPT if data[_DEPTH_OFFSET] == 16 else _KEPT | {b"tRNS"}
    if data[_COLOUR_OFFSET] == _PALETTE_COLOURS and b"PLTE" not in data:
        raise ValueError("no palette")
    pieces, position = [SIGNATURE], len(SIGNATURE)
    for name, body in _chunks(data):
        end = position + 12 + len(body)
        if name in kept:
            pieces.append(data[position:end])
        position = end
    return b"".join(pieces)
