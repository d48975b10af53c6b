"""Streams inside Ogg: which are heard, which are not, and how long the packets are."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Protocol

from perse.errors import InvalidFileType
from perse.media.ogg_pages import Page
from perse.media.recording_kinds import ACCEPTED
from perse.media.vorbis_setup import block_flags, refuse_giant_codebooks

_VORBIS, _OPUS = b"\x01vorbis", b"OpusHead"
# Describes the other streams and holds nothing to hear.
_SKELETON = b"fishead\0"
_KINDS = (
    (_VORBIS, "Vorbis sound"),
    (_OPUS, "Opus sound"),
    (b"Speex   ", "Speex sound"),
    (b"\x7fFLAC", "FLAC sound"),
    (b"fLaC", "FLAC sound"),
    (b"PCM     ", "PCM sound"),
    (b"CELT    ", "CELT sound"),
    (b"\x80theora", "Theora video"),
    (b"BBCD\0", "Dirac video"),
    (b"OVP80", "VP8 video"),
    (b"\x01video", "video"),
    (b"\x80kate", "Kate subtitles"),
    (b"CMML\0\0\0\0", "CMML subtitles"),
)


class OggStream(Protocol):
    """``headers``: what precedes the sound, without comments. ``rate_hz``: of positions."""

    @property
    def headers(self) -> Sequence[bytes]: ...

    @property
    def rate_hz(self) -> int: ...

    def duration(self, packet: bytes) -> int | None:
        """Of the next packet, in positions; None when it holds no sound. Raises ValueError or
        LookupError for damage."""
        ...


def sound_among(link: Sequence[Sequence[Page]]) -> Sequence[Page]:
    """The one stream of Vorbis or Opus. Raises InvalidFileType for anything else beside it."""
    streams = [pages for pages in link if not pages[0].body.startswith(_SKELETON)]
    starts = [pages[0].body for pages in streams]
    if len(streams) == 1 and starts[0].startswith((_VORBIS, _OPUS)):
        return streams[0]
    found = " and ".join(map(_kind_of, starts)) or "no sound"
    alone = ", and not one stream of sound alone" if len(streams) > 1 else ""
    raise InvalidFileType(f"This OGG file holds {found}{alone}. {ACCEPTED}")


def _kind_of(start: bytes) -> str:
    return next((kind for magic, kind in _KINDS if start.startswith(magic)), "an unknown stream")


def open_stream(packets: Iterator[bytes]) -> OggStream | None:
    """Takes the headers off the packets; None when they are not all there."""
    first = next(packets, b"")
    if first.startswith(_OPUS):
        return None if next(packets, None) is None else _Opus(first)
    others = list(islice(packets, 2))
    return _Vorbis(first, others[1]) if len(others) == 2 else None


class _Opus:
    """RFC 7845."""

    rate_hz = 48_000
    # Positions per frame, by the configuration in the first five bits (RFC 6716, section 3.1).
    _FRAMES = (
        *(480, 960, 1920, 2880) * 3,
        *(480, 960) * 2,
        *(120, 240, 480, 960) * 4,
    )
    _LONGEST = 5760

    def __init__(self, head: bytes) -> None:
        self.headers = (head, b"OpusTags" + bytes(8))

    def duration(self, packet: bytes) -> int:
        frames = (1, 2, 2)[packet[0] & 3] if packet[0] & 3 < 3 else packet[1] & 63
        duration = frames * self._FRAMES[packet[0] >> 3]
        if not 0 < duration <= self._LONGEST:
            raise ValueError("no packet of Opus is that long")
        return duration


class _Vorbis:
    """Vorbis I: a packet adds a quarter of its own block and of the one before it."""

    _COMMENT = b"\x03vorbis" + bytes(8) + b"\x01"

    def __init__(self, identification: bytes, setup: bytes) -> None:
        refuse_giant_codebooks(setup)
        self.headers = (identification, self._COMMENT, setup)
        (self.rate_hz,) = struct.unpack_from("<I", identification, 12)
        sizes = identification[28]
        self._quarters = (1 << (sizes & 15)) // 4, (1 << (sizes >> 4)) // 4
        self._long = block_flags(setup)
        self._mode_mask = (1 << (len(self._long) - 1).bit_length()) - 1
        self._before: int | None = None

    def duration(self, packet: bytes) -> int | None:
        if packet[0] & 1:
            return None
        quarter = self._quarters[self._long[packet[0] >> 1 & self._mode_mask]]
        added = 0 if self._before is None else self._before + quarter
        self._before = quarter
        return added
