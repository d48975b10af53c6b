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
from perse.media.ogg import is_ogg, ogg_parts
from perse.media.recording_kinds import ACCEPTED, kind_of_recording
from perse.media.wav import is_wav, wav_parts

RATE_HZ = 16_000

_LOWEST_RATE_HZ, _HIGHEST_RATE_HZ = 8_000, 192_000
_VALUES_PER_BLOCK = 1 << 18
# What a sum of durations may be off by.
_ROUNDING_S = 1e-6

# More than the 65,535 positions that an Opus header may leave out at the beginning.
_SURPLUS_S = 2.0

Block = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class AudioLimits:
    """``max_bytes``: size of the file; ``max_duration_s``: length of the recording;
    ``max_values``: samples in all channels together, which bounds the time that decoding takes
    (24 million are 120 s of four channels at 48 kHz); ``max_parts``: files joined end to end."""

    max_bytes: int = 10_000_000
    max_duration_s: float = 120.0
    max_values: int = 24_000_000
    max_parts: int = 200


_DEFAULT_LIMITS = AudioLimits()


@dataclass(slots=True)
class _Allowance:
    """What the parts decoded so far have used of the limits."""

    limits: AudioLimits
    seconds: float = 0.0
    values: int = 0

    def check(self, frames: int, file: sf.SoundFile) -> None:
        """Raises FileTooLarge when ``frames`` more of ``file`` are too many."""
        longest_s = self.limits.max_duration_s
        if self.seconds + frames / file.samplerate > longest_s + _ROUNDING_S:
            raise FileTooLarge(
                f"The recording is longer than the limit of {longest_s:g} s: send a shorter one."
            )
        if self.values + frames * file.channels > self.limits.max_values:
            raise FileTooLarge(
                "The recording has too many channels for its length: send one channel."
            )

    def spend(self, frames: int, file: sf.SoundFile) -> None:
        self.seconds += frames / file.samplerate
        self.values += frames * file.channels


@dataclass(frozen=True, slots=True, eq=False)
class _Sound:
    """Mono at 16 kHz; ``clipped``: how many samples stood at full scale, before resampling."""

    samples: Block
    clipped: float


def decode_audio(data: bytes | memoryview, limits: AudioLimits = _DEFAULT_LIMITS) -> VoiceSample:
    """Decode a WAV or OGG file of 8 to 192 kHz with any number of channels.

    Files that were joined end to end, of whatever rates and numbers of channels, are heard one
    after the other. The result is mono at 16 kHz, without direct current, within -1..1. The
    channels are averaged; when they cancel each other out the loudest is taken. Samples that are
    not numbers or infinite become silence, samples beyond full scale are cut there. A recording
    cut off in the middle is taken as far as it goes.

    Raises EmptyFile; InvalidFileType for anything else and for what does not decode; FileTooLarge
    for more bytes, seconds or parts than ``limits`` allow.
    """
    data = bytes(data)
    if not data:
        raise EmptyFile("The file is empty. " + ACCEPTED)
    if len(data) > limits.max_bytes:
        raise FileTooLarge(
            f"The recording has {len(data) / 1e6:.1f} MB, more than the limit of "
            f"{limits.max_bytes / 1e6:g} MB: send a shorter one, or an OGG file."
        )
    try:
        return _decode(data, limits)
    except PerseError:
        raise
    # The decoder of foreign bytes raises several kinds; each of them means the same to a caller.
    except Exception:
        raise InvalidFileType(
            "The recording is damaged, or of a kind that cannot be read. " + ACCEPTED
        ) from None


def _decode(data: bytes, limits: AudioLimits) -> VoiceSample:
    allowance = _Allowance(limits)
    sounds = [_sound(part, allowance) for part in _counted(_parts(data, limits), limits)]
    samples = np.concatenate([sound.samples for sound in sounds])
    clipped = sum(sound.clipped for sound in sounds)
    share = min(1.0, clipped / len(samples)) if len(samples) else 0.0
    return VoiceSample(_without_direct_current(samples), RATE_HZ, share)


def _parts(data: bytes, limits: AudioLimits) -> Iterator[bytes]:
    if is_wav(data):
        return wav_parts(data)
    if is_ogg(data):
        return ogg_parts(data, enough_s=limits.max_duration_s + _SURPLUS_S)
    raise InvalidFileType(f"This is {kind_of_recording(data)}. {ACCEPTED}")


def _counted(parts: Iterator[bytes], limits: AudioLimits) -> Iterator[bytes]:
    for number, part in enumerate(parts):
        if number == limits.max_parts:
            raise FileTooLarge(
                f"More than {limits.max_parts} recordings are joined in this file: "
                "send them as one, or fewer of them."
            )
        yield part


def _sound(part: bytes, allowance: _Allowance) -> _Sound:
    with sf.SoundFile(io.BytesIO(part)) as file:
        _check_rate(file.samplerate)
        allowance.check(file.frames, file)
        mixer = Mixer(file.channels)
        samples = _resampled(map(mixer.mix, _blocks(file, allowance)), file.samplerate)
        if mixer.cancelled:
            file.seek(0)
            loudest = Mixer(file.channels, only=mixer.loudest)
            samples = _resampled(map(loudest.mix, _blocks(file, allowance)), file.samplerate)
        allowance.spend(mixer.frames, file)
    return _Sound(samples, mixer.clipped_share * len(samples))


def _check_rate(rate_hz: int) -> None:
    if not _LOWEST_RATE_HZ <= rate_hz <= _HIGHEST_RATE_HZ:
        raise InvalidFileType(
            f"The recording has {rate_hz} samples a second: send one of 8,000 to 192,000."
        )


def _blocks(file: sf.SoundFile, allowance: _Allowance) -> Iterator[Block]:
    """The recording as blocks of frames x channels, float32, full scale -1..1."""
    size = max(1, _VALUES_PER_BLOCK // file.channels)
    read = 0
    while len(block := file.read(size, dtype="float32", always_2d=True)):
        read += len(block)
        allowance.check(read, file)
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
