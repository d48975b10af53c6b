"""What a refused recording is, so that the refusal can say so."""

from __future__ import annotations

ACCEPTED = "Send a WAV file (PCM, float, A-law or µ-law) or an OGG file (Vorbis or Opus)."

_BY_START = (
    (b"ID3", "an MP3 file"),
    (b"fLaC", "a FLAC file"),
    (b"#!AMR", "an AMR file"),
    (b"caff", "a CAF file"),
    (b"FORM", "an AIFF file"),
    (b".snd", "an AU file"),
    (b"\x1aE\xdf\xa3", "a WebM or Matroska file"),
    (b"\x30\x26\xb2\x75", "a WMA file"),
    (b"RF64", "an RF64 file"),
    (b"BW64", "a BW64 file"),
    (b"RIFX", "a big-endian RIFX file"),
    (b"riff", "a Wave64 file"),
)


def kind_of_recording(data: bytes) -> str:
    """A noun with its article."""
    if data[4:8] == b"ftyp":
        return "an MP4, M4A or 3GP file"
    if _is_mpeg_frame(data):
        return "an MP3 or AAC file"
    kinds = (kind for start, kind in _BY_START if data.startswith(start))
    return next(kinds, "no recording that is known here")


def _is_mpeg_frame(data: bytes) -> bool:
    """Eleven bits set, whatever layer and version follow: ISO/IEC 11172-3, 2.4.1.3."""
    return len(data) > 1 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0
