"""Odd, broken and hostile recordings, made by rule; ``python -m tests.media.hostile_recordings``
writes them to ``tests/samples/hostile_recordings``, each with its answer in ``expected.tsv``."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tests.media.recordings import encoded, tone, with_lengths

FOLDER = Path(__file__).parents[1] / "samples" / "hostile_recordings"
INVALID, TOO_LARGE, EMPTY, FINE = "invalid_file_type", "file_too_large", "empty_file", "ok"

_SOUND = tone(440, seconds=0.2, rate_hz=8_000)
_WAV = encoded(_SOUND, 8_000)
_VORBIS = encoded(_SOUND, 8_000, "OGG", "VORBIS")
_OPUS = encoded(_SOUND, 8_000, "OGG", "OPUS")


def files() -> Mapping[str, tuple[bytes, str]]:
    """Name -> content and error code ("ok": it must be decoded)."""
    return {**_not_recordings(), **_odd(), **_damaged(), **_giants()}


def _not_recordings() -> dict[str, tuple[bytes, str]]:
    contents = {
        "mp3.wav": encoded(_SOUND, 8_000, "MP3", "MPEG_LAYER_III"),
        "flac.wav": encoded(_SOUND, 8_000, "FLAC", "PCM_16"),
        "aiff.wav": encoded(_SOUND, 8_000, "AIFF", "PCM_16"),
        "m4a.ogg": b"\0\0\0\x20ftypM4A " + bytes(64),
        "webm.ogg": b"\x1aE\xdf\xa3" + bytes(64),
        "amr.wav": b"#!AMR\n" + bytes(64),
        "page.wav": b"<!DOCTYPE html><html></html>",
        "zip.ogg": b"PK\x03\x04" + bytes(64),
        "avi.wav": b"RIFF\x20\0\0\0AVI LIST" + bytes(32),
        "adpcm.wav": encoded(_SOUND, 8_000, subtype="IMA_ADPCM"),
        "gsm.wav": encoded(_SOUND, 8_000, subtype="GSM610"),
        "rf64.wav": encoded(_SOUND, 8_000, "RF64"),
        "pages_of_nothing.ogg": b"OggS" + bytes(200),
    }
    return {"empty.wav": (b"", EMPTY), **{name: (data, INVALID) for name, data in contents.items()}}


def _odd() -> dict[str, tuple[bytes, str]]:
    wrong = np.resize([np.nan, np.inf, -np.inf, 0.1], 1600)
    contents = {
        "length_0.wav": with_lengths(_WAV, riff=0, data=0),
        "length_ffffffff.wav": with_lengths(_WAV, riff=0xFFFFFFFF, data=0xFFFFFFFF),
        "length_beyond.wav": with_lengths(_WAV, riff=99, data=1_000_000),
        "header_only.wav": _WAV[:44],
        "odd_number_of_bytes.wav": _WAV[:-1],
        "nan_and_infinite.wav": encoded(wrong, 8_000, subtype="FLOAT"),
        "1e30.wav": encoded(_SOUND * 1e30, 8_000, subtype="FLOAT"),
        "direct_current.wav": encoded(np.ones(1600), 8_000),
        "256_channels.wav": encoded(np.zeros((8, 256)), 8_000, subtype="PCM_U8"),
        "many_chunks.wav": _WAV[:12] + b"JUNK\0\0\0\0" * 500 + _WAV[12:],
        "trailing_bytes.wav": _WAV + b"\xff" * 99,
        "two_in_a_row.ogg": _VORBIS + _VORBIS,
    }
    return {name: (data, FINE) for name, data in contents.items()}


def _damaged() -> dict[str, tuple[bytes, str]]:
    contents = {
        "magic_only.wav": b"RIFF\x04\0\0\0WAVE",
        "no_samples.wav": _WAV[:36],
        "no_channels.wav": _patched(22, "<H", 0),
        "rate_0.wav": _patched(24, "<I", 0),
        "rate_7999.wav": _patched(24, "<I", 7_999),
        "rate_4294967295.wav": _patched(24, "<I", 0xFFFFFFFF),
        "bits_0.wav": _patched(34, "<H", 0),
        "format_fffe_without_more.wav": _patched(20, "<H", 0xFFFE),
        "endless_chunk.wav": _WAV[:12] + b"JUNK\xff\xff\xff\xff" + _WAV[12:],
        "cut_before_the_sound.ogg": _OPUS[: len(_OPUS) * 2 // 3],
        "claims_a_year.ogg": _with_last_position(_OPUS, 48_000 * 86_400 * 365),
        "vorbis_header_only.ogg": _VORBIS[:58],
        "opus_header_only.ogg": _OPUS[:47],
    }
    return {name: (data, INVALID) for name, data in contents.items()}


def _giants() -> dict[str, tuple[bytes, str]]:
    """Small files that hold more than anybody should decode."""
    long = encoded(np.zeros(8_000 * 150), 8_000, "OGG", "OPUS")
    return {"150_s.ogg": (long, TOO_LARGE)}


def _patched(offset: int, form: str, value: int) -> bytes:
    changed = bytearray(_WAV)
    struct.pack_into(form, changed, offset, value)
    return bytes(changed)


def _with_last_position(ogg: bytes, position: int) -> bytes:
    """The last page claims that the recording ends there; its checksum is made good."""
    start = ogg.rindex(b"OggS")
    page = bytearray(ogg[start:])
    struct.pack_into("<q", page, 6, position)
    struct.pack_into("<I", page, 22, 0)
    struct.pack_into("<I", page, 22, _ogg_checksum(bytes(page)))
    return ogg[:start] + bytes(page)


def _ogg_checksum(page: bytes) -> int:
    """RFC 3533, section 6: CRC-32 with polynomial 0x04c11db7, not reflected, from 0."""
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1) ^ (0x04C11DB7 if value & 0x80000000 else 0)
        value &= 0xFFFFFFFF
    return value


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, (data, _) in files().items():
        (FOLDER / name).write_bytes(data)
    lines = [f"{name}\t{code}" for name, (_, code) in files().items()]
    (FOLDER / "expected.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
