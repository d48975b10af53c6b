"""Ogg files (RFC 3533) taken to pieces and put together wrongly, for tests."""

from __future__ import annotations

import struct
from collections.abc import Mapping

Pages = list[bytes]


def pages(ogg: bytes) -> Pages:
    found, position = [], 0
    while position < len(ogg):
        segments = ogg[position + 26]
        size = 27 + segments + sum(ogg[position + 27 : position + 27 + segments])
        found.append(ogg[position : position + size])
        position += size
    return found


def position_of(page: bytes) -> int:
    return int(struct.unpack_from("<q", page, 6)[0])


def changed(page: bytes, *, position: int | None = None, flags: int | None = None) -> bytes:
    """The same page with another position or other flags, and a checksum made good."""
    new = bytearray(page)
    if position is not None:
        struct.pack_into("<q", new, 6, position)
    if flags is not None:
        new[5] = flags
    return checked(bytes(new))


def repositioned(ogg: bytes, positions: Mapping[int, int]) -> bytes:
    """``positions``: by page; -1 is the last one."""
    found = pages(ogg)
    for number, position in positions.items():
        found[number] = changed(found[number], position=position)
    return b"".join(found)


def serial_of(page: bytes) -> int:
    return int(struct.unpack_from("<I", page, 14)[0])


def page(flags: int, number: int, *packets: bytes, serial: int = 7, goes_on: bool = False) -> bytes:
    """A page at position 0; ``goes_on``: the last packet does, and is of whole segments here."""
    lacing = b"".join(b"\xff" * (len(one) // 255) + bytes((len(one) % 255,)) for one in packets)
    lacing = lacing[:-1] if goes_on else lacing
    header = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, 0, serial, number, 0, len(lacing))
    return checked(header + lacing + b"".join(packets))


def checked(page: bytes) -> bytes:
    cleared = page[:22] + bytes(4) + page[26:]
    return page[:22] + struct.pack("<I", _checksum(cleared)) + page[26:]


def _checksum(page: bytes) -> int:
    """RFC 3533, section 6: CRC-32 with polynomial 0x04c11db7, not reflected, from 0."""
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1) ^ (0x04C11DB7 if value & 0x80000000 else 0)
        value &= 0xFFFFFFFF
    return value


def giant_codebooks(books: int) -> bytes:
    """A Vorbis setup header of a dozen bytes a book, each of four million entries."""
    entries = 1 << 22
    fields = [(books - 1, 8)]
    fields += [
        (0x564342, 24),
        (1, 16),
        (entries, 24),
        (1, 1),
        (21, 5),
        (entries, 23),
        (0, 4),
    ] * books
    # Whatever lies between, then one mode and the framing bit.
    fields += [(0, 90), (0, 6), (0, 41), (1, 1)]
    value = size = 0
    for field, bits in fields:
        value |= field << size
        size += bits
    return b"\x05vorbis" + value.to_bytes((size + 7) // 8, "little")
