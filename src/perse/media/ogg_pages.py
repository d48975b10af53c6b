"""Pages of Ogg (RFC 3533, section 6), read and written."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from perse.errors import FileTooLarge

CONTINUED, FIRST, LAST = 1, 2, 4

_CAPTURE = b"OggS"
# Capture, version, flags, position, serial number, page number, checksum, number of segments.
_HEADER = struct.Struct("<4sBBqIIIB")
_CHECKSUM = struct.Struct("<I")
_CHECKSUM_OFFSET = 22
_SEGMENT = 255
# Pages and segments together bound the time that taking apart needs: 120 s in packets of 2.5 ms,
# each on a page of its own, are 100,000.
_MOST_PIECES = 250_000
_MOST_DAMAGED = 1_000
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """``lacing``: a length per segment; one below 255 ends a packet. ``body``: all segments."""

    flags: int
    position: int
    serial: int
    number: int
    lacing: bytes
    body: bytes


def pages_of(data: bytes) -> Iterator[Page]:
    """Every whole page with a right checksum; what lies between is skipped.

    Raises FileTooLarge when there is no end of pages and packets, ValueError of damage.
    """
    position = pieces = damaged = 0
    while (position := data.find(_CAPTURE, position)) >= 0:
        page = _page_at(data, position)
        if page is None:
            damaged, position = damaged + 1, position + 1
        else:
            pieces += 1 + len(page.lacing)
            position += _HEADER.size + len(page.lacing) + len(page.body)
        if pieces > _MOST_PIECES:
            raise FileTooLarge("The recording is in too many pieces: send a shorter one.")
        if damaged > _MOST_DAMAGED:
            raise ValueError("too much damage")
        if page is not None:
            yield page


def _page_at(data: bytes, start: int) -> Page | None:
    """None unless it is whole and right."""
    body = start + _HEADER.size
    if body > len(data):
        return None
    _, version, flags, position, serial, number, checksum, segments = _HEADER.unpack_from(
        data, start
    )
    lacing = data[body : body + segments]
    body += segments
    end = body + sum(lacing)
    if version or end > len(data) or _checksum(data[start:end]) != checksum:
        return None
    return Page(flags, position, serial, number, lacing, data[body:end])


def _checksum(page: bytes) -> int:
    """That of a page whose own field counts as 0. The polynomial is zlib's, with the bits of each
    byte in the other order and 0 as the start."""
    rest = _CHECKSUM_OFFSET + _CHECKSUM.size
    cleared = page[:_CHECKSUM_OFFSET] + bytes(_CHECKSUM.size) + page[rest:]
    value = zlib.crc32(cleared.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(_CHECKSUM.pack(value).translate(_MIRRORED), "big")


def packed(flags: int, position: int, number: int, packets: Sequence[bytes]) -> bytes:
    """A page that holds whole packets. Raises struct.error for more than 255 segments."""
    lacing = b"".join(
        b"\xff" * (len(packet) // _SEGMENT) + bytes((len(packet) % _SEGMENT,)) for packet in packets
    )
    header = _HEADER.pack(_CAPTURE, 0, flags, position, 1, number, 0, len(lacing))
    page = bytearray(b"".join((header, lacing, *packets)))
    _CHECKSUM.pack_into(page, _CHECKSUM_OFFSET, _checksum(bytes(page)))
    return bytes(page)
