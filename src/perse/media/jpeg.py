"""JPEG (ITU-T T.81): header facts by our own walk, pixels by libjpeg-turbo."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import simplejpeg
from PIL.JpegImagePlugin import JpegImageFile

from perse.errors import InvalidFileType
from perse.media.orientation import EXIF_PREFIXES, orientation_of
from perse.media.raster import Channels, Header, Raster, raster_of

SIGNATURE = b"\xff\xd8\xff"

_START, _END = b"\xff\xd8", b"\xff\xd9"
_SCAN = 0xDA
_APP1, _APP2, _APP14 = 0xE1, 0xE2, 0xEE
_DROPPED = frozenset(range(0xE0, 0xF0)) - {_APP14} | {0xFE}
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
_ICC = b"ICC_PROFILE\0"
_MARKER = re.compile(rb"\xff+([^\x00\xff])")
_MOST_SEGMENTS = 4096

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Baseline, extended and progressive with Huffman codes; the rest (lossless, hierarchical,
# arithmetic) is made by no phone and no browser.
_USUAL_FRAMES = frozenset({0xC0, 0xC1, 0xC2})

# What libjpeg reports although every pixel arrived.
_HARMLESS = ("extraneous bytes", "Invalid SOS parameters", "Adobe color transform", "JFIF revision")
_CUT_OFF = "Premature end of JPEG file"


@dataclass(frozen=True, slots=True)
class _Segment:
    """``start`` and ``end``: its place in the file, marker included; ``body``: after its length."""

    marker: int
    start: int
    end: int
    body: bytes


def read_jpeg_header(data: bytes) -> Header:
    """Raises InvalidFileType for a frame of an unusual kind; ValueError or struct.error for damage.

    ``scans`` counts every start-of-scan marker after the frame header, so it is never too small.
    """
    exif, parts, frame = list[bytes](), dict[int, bytes](), None
    for segment in _segments(data):
        if segment.marker == _APP1 and segment.body.startswith(EXIF_PREFIXES):
            exif.append(segment.body)
        elif segment.marker == _APP2 and segment.body.startswith(_ICC):
            parts.setdefault(segment.body[len(_ICC)], segment.body[len(_ICC) + 2 :])
        elif segment.marker in _FRAMES:
            frame = segment
    if frame is None:
        raise ValueError("no frame")
    width, height = _frame_size(frame)
    profile = b"".join(parts[number] for number in sorted(parts)) or None
    return Header(width, height, orientation_of(exif), profile, _scans(data, frame))


def read_jpeg_size(data: bytes) -> Header:
    """Size and scans alone. Raises as ``read_jpeg_header``."""
    frame = next(segment for segment in _segments(data) if segment.marker in _FRAMES)
    return Header(*_frame_size(frame), scans=_scans(data, frame))


def _scans(data: bytes, frame: _Segment) -> int:
    return max(1, data.count(bytes((0xFF, _SCAN)), frame.start))


def _segments(data: bytes) -> Iterator[_Segment]:
    """Everything before the first scan. A marker may be preceded by stray bytes, as in libjpeg."""
    position = len(_START)
    for _ in range(_MOST_SEGMENTS):
        found = _MARKER.search(data, position)
        if found is None:
            raise ValueError("no scan")
        marker, position = found[1][0], found.end()
        if marker == _SCAN:
            return
        if marker in _WITHOUT_LENGTH:
            continue
        (length,) = struct.unpack_from(">H", data, position)
        end = position + max(2, length)
        yield _Segment(marker, found.start(), end, data[position + 2 : end])
        position = end
    raise ValueError("too many segments")


def _frame_size(frame: _Segment) -> tuple[int, int]:
    precision, height, width = struct.unpack_from(">BHH", frame.body)
    if frame.marker not in _USUAL_FRAMES or precision != 8:
        raise InvalidFileType(
            "This kind of JPEG (arithmetic, lossless or more than 8 bits) is not read: "
            "save the picture as an ordinary JPEG."
        )
    return width, height


def decode_jpeg(data: bytes, header: Header) -> Raster:
    """Raises ValueError or OSError when pixels are missing or damaged.

    A file that lost nothing but its end marker is accepted: all its pixels are there.
    """
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError:
        return _decode_unusual(data)
    if (width, height) != (header.width_px, header.height_px):
        raise ValueError("two sizes in one file")
    if colours == "CMYK":
        return _decode_unusual(data)
    return _decode_usual(data, "L" if colours == "Gray" else "RGB")


def _decode_usual(data: bytes, channels: Channels) -> Raster:
    colours = "GRAY" if channels == "L" else "RGB"
    try:
        pixels = simplejpeg.decode_jpeg(data, colours)
    except ValueError as problem:
        reason = str(problem)
        if _CUT_OFF in reason:
            pixels = simplejpeg.decode_jpeg(data + _END, colours)
        elif any(harmless in reason for harmless in _HARMLESS):
            pixels = simplejpeg.decode_jpeg(data, colours, strict=False)
        else:
            raise
    return Raster(pixels[:, :, 0] if channels == "L" else pixels, channels)


def _decode_unusual(data: bytes) -> Raster:
    """CMYK, YCCK and rare subsamplings, by Pillow, which turns Adobe's inverted inks round."""
    with JpegImageFile(BytesIO(_without_metadata(data))) as picture:
        picture.load()
        return raster_of(picture)


def _without_metadata(data: bytes) -> bytes:
    """The same picture without what Pillow would parse beyond need (and warn about)."""
    kept, position = [], 0
    for segment in _segments(data):
        if segment.marker in _DROPPED:
            kept.append(data[position : segment.start])
            position = segment.end
    return b"".join((*kept, data[position:]))
