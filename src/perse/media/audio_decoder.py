"""Untrusted bytes become a mono recording of 16 kHz, or a sentence about why not.

The content alone decides what a file is. Size and length are checked before decoding, and the
length again while decoding, because a header may say anything. Decoding, mixing and resampling go
block by block, so that memory does not follow what a small file claims to hold.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import soundfile as sf
import soxr
from numpy.typing import NDArray

from perse.domain.samples import VoiceSample
from perse.errors import EmptyFile, FileTooLarge, InvalidFileType, PerseError
from perse.media.mixing import Mixer
from perse.media.wav_header import is_wav, with_true_lengths

RATE_HZ = 16_000

_ACCEPTED = "Send a WAV file (PCM, float, A-law or µ-law) or an OGG file (Vorbis or Opus)."
_LOWEST_RATE_HZ, _HIGHEST_RATE_HZ = 8_000, 192_000
_SUBTYPES = {
    "WAV": {"PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAW", "ULAW"},
    "OGG": {"VORBIS", "OPUS"},
}
_SUBTYPES["WAVEX"] = _SUBTYPES["WAV"]
_UNKNOWN_LENGTH = 1 << 48
_VALUES_PER_BLOCK = 1 << 18
_OTHER_FILES = (
    (b"ID3", "an MP3 file"),
    (b"fLaC", "a FLAC file"),
    (b"#!AMR", "an AMR file"),
    (b"caff", "a CAF file"),
    (b"FORM", "an AIFF file"),
    (b"\x1aE\xdf\xa3", "a WebM or Matroska file"),
    (b"RF64", "an RF64 file"),
    (b"RIFX", "a big-endian RIFX file"),
)

Block = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class AudioLimits:
    """``max_bytes``: size of the file; ``max_duration_s``: length of the recording;
    ``max_values``: samples in all channels together, which bounds the time that decoding takes
    (24 million are 120 s of four channels at 48 kHz)."""

    max_bytes: int = 10_000_000
    max_duration_s: float = 120.0
    max_values: int = 24_000_000


_DEFAULT_LIMITS = AudioLimits()


def decode_audio(data: bytes | memoryview, limits: AudioLimits = _DEFAULT_LIMITS) -> VoiceSample:
    """Decode a WAV or OGG file of 8 to 192 kHz with any number of channels.

    The result is mono at 16 kHz, without direct current, within -1..1. The channels are averaged;
    when they cancel each other out the loudest is taken. Samples that are not numbers or infinite
    become silence, samples beyond full scale are cut there. A recording cut off in the middle is
    taken as far as it goes.

    Raises EmptyFile; InvalidFileType for anything else and for what does not decode; FileTooLarge
    for more bytes or seconds than ``limits`` allow.
    """
    data = bytes(data)
    if not data:
        raise EmptyFile("The file is empty. " + _ACCEPTED)
    if len(data) > limits.max_bytes:
        raise FileTooLarge(
            f"The recording has {len(data) / 1e6:.1f} MB, more than the limit of "
            f"{limits.max_bytes / 1e6:g} MB: send a shorter one, or an OGG file."
        )
    try:
        return _decode(_repaired(data), limits)
    except PerseError:
        raise
    # The decoder of foreign bytes raises several kinds; each of them means the same to a caller.
    except Exception:
        raise InvalidFileType(
            "The recording is damaged, or of a kind that cannot be read. " + _ACCEPTED
        ) from None


def _repaired(data: bytes) -> bytes:
    if is_wav(data):
        return with_true_lengths(data)
    if data.startswith(b"OggS"):
        return data
    raise InvalidFileType(f"This is {_kind_of(data)}. {_ACCEPTED}")


def _kind_of(data: bytes) -> str:
    if data[4:8] == b"ftyp":
        return "an MP4 or M4A file"
    if _is_mpeg_frame(data):
        return "an MP3 or AAC file"
    kinds = (kind for start, kind in _OTHER_FILES if data.startswith(start))
    return next(kinds, "no recording that is known here")


def _is_mpeg_frame(data: bytes) -> bool:
    """Eleven bits set, whatever layer and version follow: ISO/IEC 11172-3, 2.4.1.3."""
    return len(data) > 1 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0


def _decode(data: bytes, limits: AudioLimits) -> VoiceSample:
    with sf.SoundFile(io.BytesIO(data)) as file:
        _check_kind(file, limits)
        mixer = Mixer(file.channels)
        samples = _resampled(map(mixer.mix, _blocks(file, limits)), file.samplerate)
        if mixer.cancelled:
            file.seek(0)
            loudest = Mixer(file.channels, only=mixer.loudest)
            samples = _resampled(map(loudest.mix, _blocks(file, limits)), file.samplerate)
    return VoiceSample(_without_direct_current(samples), RATE_HZ, mixer.clipped_share)


def _check_kind(file: sf.SoundFile, limits: AudioLimits) -> None:
    if file.subtype not in _SUBTYPES.get(file.format, ()):
        raise InvalidFileType(
            f"Recordings coded as {file.subtype_info} are not taken. " + _ACCEPTED
        )
    if not _LOWEST_RATE_HZ <= file.samplerate <= _HIGHEST_RATE_HZ:
        raise InvalidFileType(
            f"The recording has {file.samplerate} samples a second: send one of 8,000 to 192,000."
        )
    if file.frames < _UNKNOWN_LENGTH:
        _check_length(file.frames, file, limits)


def _check_length(frames: int, file: sf.SoundFile, limits: AudioLimits) -> None:
    if frames > limits.max_duration_s * file.samplerate:
        raise FileTooLarge(
            f"The recording is longer than the limit of {limits.max_duration_s:g} s: "
            "send a shorter one."
        )
    if frames * file.channels > limits.max_values:
        raise FileTooLarge("The recording has too many channels for its length: send one channel.")


def _blocks(file: sf.SoundFile, limits: AudioLimits) -> Iterator[Block]:
    """The recording as blocks of frames x channels, float32, full scale -1..1."""
    size = max(1, _VALUES_PER_BLOCK // file.channels)
    read = 0
    while len(block := file.read(size, dtype="float32", always_2d=True)):
        read += len(block)
        _check_length(read, file, limits)
        yield block


def _resampled(blocks: Iterator[Block], rate_hz: int) -> Block:
    """The mono ``blocks`` as one piece of 16 kHz; what lies above 8 kHz is filtered out first."""
    if rate_hz == RATE_HZ:
        return _in_one_piece(blocks)
    stream = soxr.ResampleStream(rate_hz, RATE_HZ, 1, dtype="float32", quality="HQ")
    nothing = np.empty(0, dtype=np.float32)
    last = (stream.resample_chunk(nothing, last=True) for _ in range(1))
    return _in_one_piece(itertools.chain(map(stream.resample_chunk, blocks), last))


def _in_one_piece(blocks: Iterator[Block]) -> Block:
    pieces = list(blocks)
    return np.concatenate(pieces) if pieces else np.empty(0, dtype=np.float32)


def _without_direct_current(samples: Block) -> Block:
    if not len(samples):
        return samples
    centred = samples - np.float32(samples.mean(dtype=np.float64))
    return np.asarray(np.clip(centred, -1.0, 1.0))
