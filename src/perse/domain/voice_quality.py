"""How good a recording of speech is: speech, noise, clipping and bandwidth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from perse.domain.samples import VoiceSample
from perse.domain.speech import SpeechSegment, net_speech_s, speech_mask
from perse.domain.verdicts import Verdict

_ADVICE: Mapping[str, str] = MappingProxyType(
    {
        "net_speech_s": "Speak for a few seconds longer.",
        "snr_db": "Go somewhere quieter, or hold the microphone closer to the mouth.",
        "clipped_share": "Lower the recording level, or move away from the microphone.",
        "bandwidth_hz": "Record at 16 kHz or more, not through a telephone line.",
    }
)
_FRAME_S = 0.032
_SPEECH_MARGIN_S = 0.1
_LEAST_BACKGROUND_S = 0.2
_QUIETEST_SHARE = 0.1
_CLEANEST_DB = 60.0
# Medians over 52 recordings of the development set, white noise added: speech over its quietest
# tenth -> the true ratio.
_QUIETEST_TO_SNR_DB = ((0.3, 5.0, 9.7, 17.7, 20.6, 21.3), (0.0, 5.0, 10.0, 20.0, 26.5, 29.4))
_SILENCE = 1e-12
_BAND_FLOOR_DB = 45.0
_BAND_HZ = 250.0


@dataclass(frozen=True, slots=True)
class VoiceQuality:
    """Native measures of one recording.

    ``net_speech_s``: seconds of speech, more is better. ``snr_db``: speech over background in dB,
    0..60, more is better. ``clipped_share``: share of samples at full scale, 0..1, less is better.
    ``bandwidth_hz``: highest frequency with speech in it, at most half the sampling rate; about
    3400..4000 of a telephone, up to 8000 otherwise. ``decoded_s``: seconds of sound, speech or not;
    nobody judges it.
    """

    net_speech_s: float
    snr_db: float
    clipped_share: float
    bandwidth_hz: float
    decoded_s: float


@dataclass(frozen=True, slots=True)
class VoiceRequirements:
    """What a recording should have for the published error rates to hold; beyond, they rise.
    ``clipped_share`` must stay below, the others must be reached."""

    net_speech_s: float = 2.0
    snr_db: float = 12.0
    clipped_share: float = 0.01
    bandwidth_hz: float = 4500.0


def judge_voice(quality: VoiceQuality, requirements: VoiceRequirements) -> Mapping[str, Verdict]:
    """A verdict per measure, by the measure's name."""
    return {
        measure: Verdict(
            getattr(quality, measure),
            getattr(requirements, measure),
            higher_is_better=measure != "clipped_share",
            advice=advice,
        )
        for measure, advice in _ADVICE.items()
    }


def assess_voice(sample: VoiceSample, speech: Sequence[SpeechSegment]) -> VoiceQuality:
    """Measure a recording whose ``speech`` is known; without speech every figure is the worst."""
    if not speech:
        return VoiceQuality(0.0, 0.0, sample.clipped_share, 0.0, sample.duration_s)
    spoken = speech_mask(sample, speech)
    near = speech_mask(sample, speech, margin_s=_SPEECH_MARGIN_S)
    return VoiceQuality(
        net_speech_s=net_speech_s(speech),
        snr_db=snr_db(sample.samples[spoken], sample.samples[~near], rate_hz=sample.rate_hz),
        clipped_share=sample.clipped_share,
        bandwidth_hz=bandwidth_hz(sample.samples[spoken], rate_hz=sample.rate_hz),
        decoded_s=sample.duration_s,
    )


def snr_db(speech: NDArray[np.float32], background: NDArray[np.float32], *, rate_hz: int) -> float:
    """Power of speech over power of background in dB, 0..60.

    The background is taken from between the words. Where less than 0.2 s is left there, the
    quietest tenth of the speech's own frames stands for it; as that holds speech too, the ratio is
    then put right by what such frames show in recordings of known noise.
    """
    if len(background) >= _LEAST_BACKGROUND_S * rate_hz:
        return _ratio_db(_power(speech), _power(background))
    powers = np.sort(frame_powers(speech, round(_FRAME_S * rate_hz)))
    quietest = float(powers[: max(1, round(_QUIETEST_SHARE * len(powers)))].mean())
    return float(np.interp(_ratio_db(float(powers.mean()), quietest), *_QUIETEST_TO_SNR_DB))


def _ratio_db(with_noise: float, noise: float) -> float:
    speech = max(with_noise - noise, _SILENCE)
    return float(np.clip(10 * np.log10(speech / max(noise, _SILENCE)), 0.0, _CLEANEST_DB))


def bandwidth_hz(speech: NDArray[np.float32], *, rate_hz: int) -> float:
    """Upper edge of the highest band of 250 Hz within 45 dB of the strongest one."""
    window = round(_FRAME_S * rate_hz)
    frames = _frames(speech, window) * np.hanning(window).astype(np.float32)
    spectrum = np.square(np.abs(np.fft.rfft(frames, axis=1))).mean(axis=0)
    bins_per_band = round(_BAND_HZ * window / rate_hz)
    bands = spectrum[: len(spectrum) // bins_per_band * bins_per_band]
    powers = bands.reshape(-1, bins_per_band).mean(axis=1)
    audible = np.flatnonzero(powers >= powers.max() * 10 ** (-_BAND_FLOOR_DB / 10))
    return float((audible[-1] + 1) * _BAND_HZ)


def frame_powers(samples: NDArray[np.float32], frame: int) -> NDArray[np.float32]:
    """Mean power of each whole frame of ``frame`` samples, at least one value."""
    return np.asarray(np.square(_frames(samples, frame)).mean(axis=1))


def _frames(samples: NDArray[np.float32], frame: int) -> NDArray[np.float32]:
    padded = samples if len(samples) >= frame else np.pad(samples, (0, frame - len(samples)))
    return padded[: len(padded) // frame * frame].reshape(-1, frame)


def _power(samples: NDArray[np.float32]) -> float:
    return float(np.mean(np.square(samples, dtype=np.float32))) if len(samples) else 0.0
