"""JPEG (ITU-T T.81): header facts by our own walk, pixels by libjpeg-turbo."""

from __future__ import annotations

import operator
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO

import cv2
import numpy as np
import simplejpeg
from PIL.JpegImagePlugin import JpegImageFile

from perse.errors import InvalidFileType
from perse.imaging.room import room_for
from perse.media.orientation import EXIF_PREFIXES, orientation_of
from perse.media.raster import Channels, Header, Raster, raster_of

SIGNATURE = b"\xff\xd8\xff"

_START, _END = b"\xff\xd8", b"\xff\xd9"
_SCAN = 0xDA
_SCAN_BEGINS = int.from_bytes(bytes((0xFF, _SCAN)), "little")
_APP1, _APP2, _APP14 = 0xE1, 0xE2, 0xEE
_DROPPED = frozenset(range(0xE0, 0xF0)) - {_APP14} | {0xFE}
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
_ICC = b"ICC_PROFILE\0"
# Any number of 0xff may stand before a marker; the last is enough, and looking for all takes a time
# that grows with the square of their number.
_MARKER = re.compile(rb"\xff([^\x00\xff])")
# So that a walk takes no longer than a millisecond or two, whatever is in the file.
_MOST_SEGMENTS = 1024
_MOST_STRAY_BYTES = 64 * 1024
_USUAL_SCANS = 10
_COMPONENTS = 5  # where a frame's head says how many there are (T.81, B.2.2)
_PROGRESSIVE = 0xC2
_INKS = 4
# Coefficients and pixels of a picture that is decoded in full: 26 megapixels of a progressive JPEG
# with halved colours, any other whatever its size. What needs more is decoded at half the
# resolution, after which the coefficients are gone, and enlarged.
_MOST_BYTES = 160_000_000

# So many pixels show any face large enough to be the subject as closely as anything looks at it.
_AMPLE_PIXELS = 4_000_000
_MOST_HALVINGS = 3  # of libjpeg

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
    _file: bytes
    _body_start: int

    @property
    def body(self) -> bytes:
        return self._file[self._body_start : self.end]


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
        last = segment
    if frame is None:
        raise ValueError("no frame")
    width, height = _frame_size(frame)
    profile = b"".join(parts[number] for number in sorted(parts)) or None
    scans, held_bytes = _scans(data, frame), _held_bytes(frame, first_scan=last)
    # Coefficients that are held are most of the work, and might have to be read again.
    halvings = 0 if held_bytes else _halvings(width, height)
    return Header(width, height, orientation_of(exif), profile, scans, held_bytes, halvings)


def read_jpeg_size(data: bytes) -> Header:
    """What decoding costs alone, by the head alone: how many scans follow is a guess. Raises as
    ``read_jpeg_header``."""
    *segments, first_scan = _segments(data)
    frame = next(segment for segment in segments if segment.marker in _FRAMES)
    scans = _USUAL_SCANS if frame.marker == _PROGRESSIVE else 1
    return Header(*_frame_size(frame), scans=scans, held_bytes=_held_bytes(frame, first_scan))


def _halvings(width: int, height: int) -> int:
    """How often to halve a picture so that it is still ample."""
    times = 0
    while width * height >> 2 * times > _AMPLE_PIXELS and not (width | height) % (2 << times):
        times += 1
    return min(times, _MOST_HALVINGS)


def _scans(data: bytes, frame: _Segment) -> int:
    """Looks at pairs of bytes, those that begin at even and those that begin at odd places:
    ``data.count`` takes six times as long."""
    counts = []
    for first in (frame.start, frame.start + 1):
        pairs = memoryview(data)[first : len(data) - (len(data) - first) % 2]
        counts.append(int(np.count_nonzero(np.frombuffer(pairs, "<u2") == _SCAN_BEGINS)))
    return max(1, sum(counts))


def _held_bytes(frame: _Segment, first_scan: _Segment) -> int:
    """All coefficients, where no row is finished before the last scan; Pillow's copy of inks."""
    components = frame.body[_COMPONENTS]
    width, height = _frame_size(frame)
    held = _INKS * width * height if components == _INKS else 0
    if frame.marker == _PROGRESSIVE or first_scan.body[0] < components:
        held += 2 * int(width * height * _samples_per_pixel(frame))
    return held


def _samples_per_pixel(frame: _Segment) -> float:
    """Of all components together; each says how often it is sampled (T.81, B.2.2)."""
    samplings = frame.body[_COMPONENTS + 2 :: 3][: frame.body[_COMPONENTS]]
    across, down = [one >> 4 for one in samplings], [one & 15 for one in samplings]
    samples: int = sum(map(operator.mul, across, down))
    return samples / (max(across) * max(down))


def _segments(data: bytes) -> Iterator[_Segment]:
    """Everything up to the head of the first scan. Markers may be preceded by stray bytes, as in
    libjpeg, so many in all. Raises ValueError or struct.error."""
    position, stray_bytes = len(_START), _MOST_STRAY_BYTES
    for _ in range(_MOST_SEGMENTS):
        found = _MARKER.search(data, position, position + stray_bytes)
        if found is None:
            raise ValueError("no scan")
        stray_bytes -= found.start() - position
        marker, position = found[1][0], found.end()
        if marker in _WITHOUT_LENGTH:
            continue
        (length,) = struct.unpack_from(">H", data, position)
        end = position + max(2, length)
        yield _Segment(marker, found.start(), end, data, position + 2)
        if marker == _SCAN:
            return
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

    A file that lost nothing but its end marker is accepted: all its pixels are there. One of inks
    is decoded whole, whatever ``header.halvings`` says.
    """
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError:
        return _decode_unusual(data)
    if (width, height) != (header.width_px, header.height_px):
        raise ValueError("two sizes in one file")
    if colours == "CMYK":
        return _decode_unusual(data)
    return _decode_usual(data, "L" if colours == "Gray" else "RGB", header)


def _decode_usual(data: bytes, channels: Channels, header: Header) -> Raster:
    size = header.width_px, header.height_px
    if header.held_bytes + len(channels) * header.pixels <= _MOST_BYTES:
        width, height = (side >> header.halvings for side in size)
        return _decoded(data, channels, (width, height))
    width, height = ((side + 1) // 2 for side in size)
    pixels = _decoded(data, channels, (width, height)).pixels
    enlarged = room_for(*size[::-1], *pixels.shape[2:])
    cv2.resize(pixels, size, dst=enlarged, interpolation=cv2.INTER_LINEAR)
    return Raster(enlarged, channels)


def _decoded(data: bytes, channels: Channels, least_px: tuple[int, int]) -> Raster:
    """As small as libjpeg can make it, at least ``least_px`` (width, height)."""
    colours = "GRAY" if channels == "L" else "RGB"
    width, height = least_px
    decode = partial(
        simplejpeg.decode_jpeg,
        colorspace=colours,
        min_width=width,
        min_height=height,
        buffer=room_for(height, width, len(channels)),
    )
    try:
        pixels = decode(data)
    except ValueError as problem:
        reason = str(problem)
        if _CUT_OFF in reason:
            pixels = decode(data + _END)
        elif any(harmless in reason for harmless in _HARMLESS):
            pixels = decode(data, strict=False)
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
