"""The conditions under which recordings are compared: those that the fit learns from, and others
that only the measurement hears. No coding, noise, room or music of one list is in the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from perse.domain.samples import VoiceSample
from training.voice import sounds
from training.voice.degradations import (
    RATE_HZ,
    Noise,
    babble_of,
    gated,
    gsm,
    in_a_room,
    narrow_band,
    opus,
    pink,
    telephone,
    white,
    with_lost_packets,
    with_noise,
)

Change = Callable[[VoiceSample], VoiceSample]
BRIEF_S = 1.9


def learned() -> Mapping[str, Change]:
    """What the fit hears."""
    return {
        "white noise, 10 dB": partial(with_noise, noise=white, snr_db=10, seed=1),
        "chords, 10 dB": partial(with_noise, noise=_music(sounds.chords), snr_db=10, seed=1),
        "room, 0.3 s": partial(in_a_room, fading_s=0.3),
        "room, 0.5 s": partial(in_a_room, fading_s=0.5, seed=3),
        "room, 0.9 s": partial(in_a_room, fading_s=0.9, seed=2),
        "8 kHz": narrow_band,
        "GSM": gsm,
        "Opus, 24 kbit/s": partial(opus, compression=0.9),
    }


def held_out(voices: Sequence[VoiceSample]) -> Mapping[str, Change]:
    """``voices``: who babbles."""
    babble = babble_of(voices)
    return {
        "telephone": telephone,
        "Opus, 16 kbit/s": opus,
        "pink noise, 20 dB": partial(with_noise, noise=pink, snr_db=20, seed=7),
        "pink noise, 10 dB": partial(with_noise, noise=pink, snr_db=10, seed=7),
        "babble, 10 dB": partial(with_noise, noise=babble, snr_db=10, seed=7),
        "band, 10 dB": partial(with_noise, noise=_music(sounds.band), snr_db=10, seed=7),
        "room, 0.6 s": partial(in_a_room, fading_s=0.6, seed=5),
        "pauses made silent": partial(gated, below_db=25),
        "every 20th packet lost": partial(with_lost_packets, share=0.05),
        f"{BRIEF_S} s": _beginning,
    }


def _beginning(sample: VoiceSample) -> VoiceSample:
    return VoiceSample(sample.samples[: round(BRIEF_S * sample.rate_hz)], sample.rate_hz)


def _music(sound: Callable[[float, int], NDArray[np.float32]]) -> Noise:
    def noise(length: int, chance: np.random.Generator) -> NDArray[np.float64]:
        return sound(length / RATE_HZ + 0.01, int(chance.integers(1000)))[:length].astype(float)

    return noise
