"""Lengths in the header of a WAV file, put right.

Whoever writes a recording while it is being spoken does not know its length yet, and often never
comes back to say: phones, browsers and pipes leave 0, 0xFFFFFFFF or a guess there. What counts is
how many bytes there are. RIFF: Microsoft and IBM, "Multimedia Programming Interface", 1991.
"""

from __future__ import annotations

import struct

_RIFF_HEADER = 12
_CHUNK_HEADER = 8
_MOST_CHUNKS = 1000
_CHUNKS_AFTER_DATA = (
    b"LIST",
    b"list",
    b"id3 ",
    b"ID3 ",
    b"fact",
    b"cue ",
    b"smpl",
    b"bext",
    b"JUNK",
)


def is_wav(data: bytes) -> bool:
    """By content."""
    return data[:4] == b"RIFF" and data[8:12] == b"WAVE"


def with_true_lengths(data: bytes) -> bytes:
    """``data`` itself, or a copy in which the lengths of the file and of its samples are true.

    The samples are taken to reach the end of the file when their length is 0 or points beyond it.
    """
    start = _start_of_samples(data)
    if start is None:
        return data
    (declared,) = struct.unpack_from("<I", data, start - 4)
    there = len(data) - start
    endless = declared == 0 and data[start : start + 4] not in _CHUNKS_AFTER_DATA
    samples = there if endless or declared > there else declared
    (file_length,) = struct.unpack_from("<I", data, 4)
    if samples == declared and file_length == len(data) - 8:
        return data
    repaired = bytearray(data)
    struct.pack_into("<I", repaired, 4, len(data) - 8)
    struct.pack_into("<I", repaired, start - 4, samples)
    return bytes(repaired)


def _start_of_samples(data: bytes) -> int | None:
    """Where the first sample stands; None when no chunk of samples is found."""
    position = _RIFF_HEADER
    for _ in range(_MOST_CHUNKS):
        if position + _CHUNK_HEADER > len(data):
            return None
        name, length = struct.unpack_from("<4sI", data, position)
        position += _CHUNK_HEADER
        if name == b"data":
            return position
        position += length + length % 2
    return None
