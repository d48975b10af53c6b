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
# Codings that the product itself decodes.
_TAKEN = ("ULAW", "OPUS")

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


def gsm(sample: VoiceSample) -> VoiceSample:
    """Through GSM 06.10, 8 kHz and 13 kbit/s."""
    return _through(soxr.resample(sample.samples, RATE_HZ, 8000), 8000, "WAV", "GSM610")


def opus(sample: VoiceSample, *, compression: float = 0.96) -> VoiceSample:
    """Through an Opus file of about 16 kbit/s. ``compression`` 1 is 6 kbit/s."""
    return _through(sample.samples, RATE_HZ, "OGG", "OPUS", compression_level=compression)


def in_a_room(sample: VoiceSample, *, fading_s: float, seed: int = 0) -> VoiceSample:
    """Two to three metres away in a room where sound falls by 60 dB in ``fading_s``: the direct
    sound and an exponentially fading tail of noise of three times its power."""
    chance = np.random.default_rng(seed)
    times = np.arange(round(fading_s * RATE_HZ)) / RATE_HZ
    tail = chance.normal(size=len(times)) * 10 ** (-3 * times / fading_s)
    tail *= np.sqrt(3 / np.sum(tail**2))
    tail[: round(0.003 * RATE_HZ)] = 0
    tail[0] = 1
    length = len(sample.samples) + len(tail)
    product = np.fft.rfft(sample.samples, length) * np.fft.rfft(tail, length)
    return _levelled(np.fft.irfft(product, length)[: len(sample.samples)])


def gated(sample: VoiceSample, *, below_db: float) -> VoiceSample:
    """Exact zeros wherever 10 ms are ``below_db`` under the recording's mean power."""
    step = RATE_HZ // 100
    frames = sample.samples[: len(sample.samples) // step * step].reshape(-1, step).copy()
    power = np.mean(np.square(frames, dtype=np.float64), axis=1)
    frames[power < power.mean() * 10 ** (-below_db / 10)] = 0
    return VoiceSample(frames.ravel(), RATE_HZ)


def with_lost_packets(sample: VoiceSample, *, share: float, seed: int = 0) -> VoiceSample:
    """Exact zeros in the place of every so manieth packet of 20 ms, by chance."""
    step = RATE_HZ // 50
    frames = sample.samples[: len(sample.samples) // step * step].reshape(-1, step).copy()
    frames[np.random.default_rng(seed).random(len(frames)) < share] = 0
    return VoiceSample(frames.ravel(), RATE_HZ)


def _levelled(samples: NDArray[np.float64]) -> VoiceSample:
    return VoiceSample((0.5 * samples / np.abs(samples).max()).astype(np.float32), RATE_HZ)


def _through(
    samples: NDArray[np.float32], rate_hz: int, kind: str, subtype: str, **options: float
) -> VoiceSample:
    file = io.BytesIO()
    sf.write(file, samples, rate_hz, format=kind, subtype=subtype, **options)
    if subtype in _TAKEN:
        return decode_audio(file.getvalue())
    samples, rate_hz = sf.read(io.BytesIO(file.getvalue()), dtype="float32")
    return VoiceSample(soxr.resample(samples, rate_hz, RATE_HZ).astype(np.float32), RATE_HZ)
