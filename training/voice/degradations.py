"""What telephones, rooms and crowds do to a recording of 16 kHz. The same recording and the same
``seed`` give the same result."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import numpy as np
import soundfile as sf
import soxr
from numpy.typing import NDArray

from perse.domain.samples import VoiceSample
from perse.media.audio_decoder import decode_audio

RATE_HZ = 16_000
_TALKERS = 8

Noise = Callable[[int, np.random.Generator], NDArray[np.float64]]


def white(length: int, chance: np.random.Generator) -> NDArray[np.float64]:
    return chance.normal(size=length)


def pink(length: int, chance: np.random.Generator) -> NDArray[np.float64]:
    """Power falls by 3 dB an octave."""
    spectrum = np.fft.rfft(chance.normal(size=length))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    return np.asarray(np.fft.irfft(spectrum, length))


def babble_of(voices: Sequence[VoiceSample]) -> Noise:
    """Eight of these ``voices`` at the same time."""

    def babble(length: int, chance: np.random.Generator) -> NDArray[np.float64]:
        talkers = chance.integers(0, len(voices), _TALKERS)
        return np.asarray(
            sum(np.resize(voices[talker].samples, length).astype(np.float64) for talker in talkers)
        )

    return babble


def with_noise(sample: VoiceSample, noise: Noise, *, snr_db: float, seed: int = 0) -> VoiceSample:
    """``snr_db``: mean power of the recording over mean power of the noise."""
    samples = sample.samples.astype(np.float64)
    added = noise(len(samples), np.random.default_rng((len(samples), seed)))
    gain = np.sqrt(np.mean(samples**2) / 10 ** (snr_db / 10) / np.mean(added**2))
    return VoiceSample(np.clip(samples + gain * added, -1, 1).astype(np.float32), RATE_HZ)


def narrow_band(sample: VoiceSample) -> VoiceSample:
    """Down to 8 kHz and up again."""
    narrow = soxr.resample(sample.samples, RATE_HZ, RATE_HZ // 2)
    return VoiceSample(soxr.resample(narrow, RATE_HZ // 2, RATE_HZ).astype(np.float32), RATE_HZ)


def telephone(sample: VoiceSample) -> VoiceSample:
    """Through a WAV file of 8 kHz and µ-law."""
    return _through(soxr.resample(sample.samples, RATE_HZ, 8000), 8000, "WAV", "ULAW")


def opus(sample: VoiceSample) -> VoiceSample:
    """Through an Opus file of about 16 kbit/s."""
    return _through(sample.samples, RATE_HZ, "OGG", "OPUS", compression_level=0.96)


def _through(
    samples: NDArray[np.float32], rate_hz: int, kind: str, subtype: str, **options: float
) -> VoiceSample:
    file = io.BytesIO()
    sf.write(file, samples, rate_hz, format=kind, subtype=subtype, **options)
    return decode_audio(file.getvalue())
