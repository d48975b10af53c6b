"""Odd, broken and hostile recordings, made by rule; ``python -m tests.media.hostile_recordings``
writes them to ``tests/samples/hostile_recordings``, each with its answer in ``expected.tsv``."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tests.media.ogg_files import giant_codebooks, page, pages, repositioned
from tests.media.recordings import encoded, tone, with_lengths

FOLDER = Path(__file__).parents[1] / "samples" / "hostile_recordings"
INVALID, TOO_LARGE, EMPTY, FINE = "invalid_file_type", "file_too_large", "empty_file", "ok"

_SOUND = tone(440, seconds=0.2, rate_hz=8_000)
_WAV = encoded(_SOUND, 8_000)
_VORBIS = encoded(_SOUND, 8_000, "OGG", "VORBIS")
_OPUS = encoded(_SOUND, 8_000, "OGG", "OPUS")
# The decoder fills a gigabyte with what 3 KB of it claim.
_GIANT_CODEBOOKS = (
    page(2, 0, pages(_VORBIS)[0][28:])
    + page(0, 1, b"\x03vorbis" + bytes(8) + b"\x01", giant_codebooks(255))
    + page(4, 2, bytes(2), bytes(2))
)


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
        "mp3_inside.wav": _patched(20, "<H", 0x55),
        "pages_of_nothing.ogg": b"OggS" + bytes(200),
        "speex.ogg": page(2, 0, b"Speex   1.2.1" + bytes(67)),
        "flac.ogg": page(2, 0, b"\x7fFLAC\x01\0\0\x01fLaC" + bytes(38)),
        "video.ogg": page(2, 0, b"\x80theora" + bytes(35), serial=8) + _VORBIS,
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
        "two_in_a_row.wav": _WAV + _WAV,
        "claims_a_year.ogg": repositioned(_OPUS, {-1: 48_000 * 86_400 * 365}),
        "ends_before_it_begins.ogg": repositioned(_VORBIS, {-1: -(1 << 40)}),
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
        "vorbis_header_only.ogg": _VORBIS[:58],
        "opus_header_only.ogg": _OPUS[:47],
        "headers_in_a_row.ogg": b"".join(pages(_OPUS)[:2]) * 100,
        "giant_codebooks.ogg": _GIANT_CODEBOOKS,
    }
    return {name: (data, INVALID) for name, data in contents.items()}


def _giants() -> dict[str, tuple[bytes, str]]:
    """Small files that hold more than anybody should decode."""
    long = encoded(np.zeros(8_000 * 150), 8_000, "OGG", "OPUS")
    return {"150_s.ogg": (long, TOO_LARGE), "201_in_a_row.wav": (_WAV[:52] * 201, TOO_LARGE)}


def _patched(offset: int, form: str, value: int) -> bytes:
    changed = bytearray(_WAV)
    struct.pack_into(form, changed, offset, value)
    return bytes(changed)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, (data, _) in files().items():
        (FOLDER / name).write_bytes(data)
    lines = [f"{name}\t{code}" for name, (_, code) in files().items()]
    (FOLDER / "expected.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
