"""How long a recording is, by a quick look at its file."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from perse.media.wav import is_wav

_RATE_OFFSET = 28  # bytes a second, in the usual place of a WAV's format
_OPUS_RATE_HZ = 48_000
_FIRST_PACKET = 28  # of an OGG page with one segment
_VORBIS_RATE_OFFSET = _FIRST_PACKET + 12
_LARGEST_PAGE_BYTES = 65_307  # RFC 3533
_LEAST_WAV_BYTES_PER_S = 8_000
_LEAST_OGG_BYTES_PER_S = 1_000


@dataclass(frozen=True, slots=True)
class AudioLength:
    """``told_s``: seconds that the file's head tells, which may be wrong where several recordings
    are joined, or where it lies. ``most_s``: what its bytes can hold at the lowest rate."""

    told_s: float
    most_s: float


def measure_audio(data: bytes, longest_s: float = 120.0) -> AudioLength:
    """Both at most ``longest_s``, beyond which decoding ends. It takes microseconds."""
    least = _LEAST_WAV_BYTES_PER_S if is_wav(data) else _LEAST_OGG_BYTES_PER_S
    most_s = min(longest_s, len(data) / least)
    try:
        return AudioLength(min(most_s, max(0.0, _told_s(data))), most_s)
    except (struct.error, ZeroDivisionError):
        return AudioLength(most_s, most_s)


def _told_s(data: bytes) -> float:
    if is_wav(data):
        (bytes_per_s,) = struct.unpack_from("<I", data, _RATE_OFFSET)
        return len(data) / int(bytes_per_s)
    last_page = data.rfind(b"OggS", -_LARGEST_PAGE_BYTES)
    (position,) = struct.unpack_from("<q", data, last_page + 6)
    return int(position) / _ogg_rate_hz(data)


def _ogg_rate_hz(data: bytes) -> int:
    if data[_FIRST_PACKET : _FIRST_PACKET + 8] == b"OpusHead":
        return _OPUS_RATE_HZ
    return int(struct.unpack_from("<I", data, _VORBIS_RATE_OFFSET)[0])
