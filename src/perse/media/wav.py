"""WAV: a file becomes its recordings, and each a file that is right throughout.

Whoever writes a recording while it is being spoken does not know its length yet, and often never
comes back to say: phones, browsers and pipes leave 0, 0xFFFFFFFF, a guess, or the length of the
first piece. Others join whole files end to end. What counts is how many bytes there are. RIFF:
Microsoft and IBM, "Multimedia Programming Interface", 1991.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from perse.errors import InvalidFileType
from perse.media.recording_kinds import ACCEPTED

_RIFF_HEADER = 12
_CHUNK_HEADER = struct.Struct("<4sI")
_MOST_CHUNKS = 1000
_MOST_TAILS = 8
_LONGEST_TAIL_BYTES = 1 << 14
_START = re.compile(rb"RIFF.{4}WAVE", re.DOTALL)
_NAME = re.compile(rb"[A-Za-z0-9_][ -~]{3}")
# What writers append to the samples.
_TAILS = (b"LIST", b"list", b"id3 ", b"ID3 ", b"fact", b"cue ", b"smpl", b"bext", b"JUNK", b"PEAK")
_FOLLOWERS = {*_TAILS, b"data"}
_EXTENSIBLE = 0xFFFE
_READ = frozenset({1, 3, 6, 7})
_FORMATS = {
    0x02: "ADPCM",
    0x11: "IMA ADPCM",
    0x31: "GSM 6.10",
    0x40: "G.721",
    0x45: "G.726",
    0x50: "MPEG",
    0x55: "MP3",
    0x83: "G.729",
    0xFF: "AAC",
    0x161: "WMA",
    0x1610: "AAC",
}


def is_wav(data: bytes) -> bool:
    """By content."""
    return _START.match(data) is not None


def wav_parts(data: bytes) -> Iterator[bytes]:
    """Each recording of files joined end to end, as a WAV file of nothing but format and samples.

    Raises InvalidFileType, which names what was found, for other codings than PCM, float, A-law
    and µ-law; ValueError or struct.error for damage.
    """
    start = 0
    while start < len(data):
        following = _START.search(data, start + _RIFF_HEADER)
        end = following.start() if following else len(data)
        yield _bare(data[start:end])
        start = end


def _bare(data: bytes) -> bytes:
    form, samples = None, []
    for name, body in _chunks(data):
        if name == b"fmt " and form is None:
            form = body
        elif name == b"data":
            samples.append(body)
    if form is None or not samples:
        raise ValueError("no format or no samples")
    _refuse_other_codings(form)
    return _chunk(b"RIFF", b"WAVE", _chunk(b"fmt ", form), _chunk(b"data", *samples))


def _chunk(name: bytes, *body: bytes | memoryview) -> bytes:
    size = sum(map(len, body))
    return b"".join((_CHUNK_HEADER.pack(name, size), *body, bytes(size % 2)))


def _refuse_other_codings(form: memoryview) -> None:
    (tag,) = struct.unpack_from("<H", form)
    if tag == _EXTENSIBLE:
        (tag,) = struct.unpack_from("<H", form, 24)
    if tag not in _READ:
        coding = _FORMATS.get(tag, f"format 0x{tag:04X}")
        raise InvalidFileType(f"This WAV file holds sound coded as {coding}. {ACCEPTED}")


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    view, position = memoryview(data), _RIFF_HEADER
    for _ in range(_MOST_CHUNKS):
        if position + _CHUNK_HEADER.size > len(data):
            return
        name, size = _CHUNK_HEADER.unpack_from(data, position)
        start = position + _CHUNK_HEADER.size
        end = _end_of_samples(data, start, size) if name == b"data" else start + size
        yield name, view[start:end]
        position = _next_chunk(data, end, padded=size % 2 == 1)
    raise ValueError("too many chunks")


def _next_chunk(data: bytes, end: int, *, padded: bool) -> int:
    """A chunk of odd size is followed by a byte of padding, which some writers forget."""
    forgotten = padded and _NAME.match(data, end) and not _NAME.match(data, end + 1)
    return end if forgotten or not padded else end + 1


def _end_of_samples(data: bytes, start: int, size: int) -> int:
    """As declared when another chunk begins there; else where the file ends, but for the known
    chunks at its end."""
    end = start + size
    if size == 0 and data[start : start + 4] in _FOLLOWERS:
        return start
    if size and any(_chunk_begins(data, at) for at in {end, end + size % 2}):
        return end
    padding = size % 2 if end + size % 2 == len(data) else 0
    return _start_of_tail(data, start, len(data) - padding)


def _chunk_begins(data: bytes, position: int) -> bool:
    """Whether a chunk begins here that is known, or that leads exactly to the file's end."""
    if data[position : position + 4] in _FOLLOWERS:
        return True
    for _ in range(_MOST_CHUNKS):
        if not _NAME.match(data, position) or len(data) - position < _CHUNK_HEADER.size:
            return False
        position += _CHUNK_HEADER.size + _size_at(data, position)
        if abs(len(data) - position) < 2:
            return True
    return False


def _size_at(data: bytes, position: int) -> int:
    """Of a chunk's body, padding included."""
    _, size = _CHUNK_HEADER.unpack_from(data, position)
    return int(size + size % 2)


def _start_of_tail(data: bytes, start: int, end: int) -> int:
    """Where the known chunks begin that reach exactly to ``end``, if they are no longer than a
    text is."""
    start = max(start, end - _LONGEST_TAIL_BYTES)
    for _ in range(_MOST_TAILS):
        found = (data.rfind(name, start, end) for name in _TAILS)
        tail = next((at for at in found if at >= 0 and _reaches(data, at, end)), None)
        if tail is None:
            break
        end = tail
    return end


def _reaches(data: bytes, position: int, end: int) -> bool:
    body = position + _CHUNK_HEADER.size
    return body <= end and end - body in (_size_at(data, position), _size_at(data, position) - 1)
