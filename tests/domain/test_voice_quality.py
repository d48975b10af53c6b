from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from perse.domain.samples import VoiceSample
from perse.domain.speech import SpeechSegment
from perse.domain.voice_quality import (
    VoiceQuality,
    VoiceRequirements,
    assess_voice,
    bandwidth_hz,
    judge_voice,
    snr_db,
)
from tests.synthetic_speech import ALICE, speech

RATE_HZ = 16_000
GOOD = VoiceQuality(
    net_speech_s=3.0, snr_db=25.0, clipped_share=0.0, bandwidth_hz=7000.0, decoded_s=4.0
)


def _noise(seconds: float, power: float = 1.0, seed: int = 3) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed).normal(size=round(seconds * RATE_HZ))
    return np.asarray(noise * np.sqrt(power), dtype=np.float32)


@pytest.mark.parametrize("snr", [0, 5, 10, 20, 30])
def test_the_ratio_of_speech_to_background_is_found(snr: float) -> None:
    noise_power = 0.01 * 10 ** (-snr / 10)
    spoken = speech(ALICE, 3)
    spoken *= np.float32(0.1 / np.sqrt(np.mean(spoken**2)))
    found = snr_db(spoken + _noise(3, noise_power), _noise(1, noise_power, seed=4), rate_hz=RATE_HZ)
    assert found == pytest.approx(snr, abs=0.5)


def test_digital_silence_between_the_words_is_60_db() -> None:
    assert snr_db(speech(ALICE, 1), np.zeros(RATE_HZ, np.float32), rate_hz=RATE_HZ) == 60


def test_without_pauses_the_quietest_moments_stand_for_the_background() -> None:
    nothing = np.empty(0, np.float32)
    loud_and_quiet = np.concatenate([_noise(0.8), _noise(0.2, 0.001)])
    assert 20 < snr_db(loud_and_quiet, nothing, rate_hz=RATE_HZ) <= 29.4
    assert snr_db(_noise(0.01), nothing, rate_hz=RATE_HZ) < 6


@pytest.mark.parametrize("upper_hz", [1000, 3400, 4000, 6000])
def test_the_bandwidth_is_found(upper_hz: int) -> None:
    spectrum = np.fft.rfft(_noise(2))
    spectrum[np.fft.rfftfreq(2 * RATE_HZ, 1 / RATE_HZ) > upper_hz] = 0
    narrow = np.fft.irfft(spectrum).astype(np.float32)
    assert bandwidth_hz(narrow, rate_hz=RATE_HZ) == pytest.approx(upper_hz, abs=500)


def test_everything_of_a_recording_is_measured() -> None:
    silence = _noise(1, 1e-8)
    samples = np.concatenate([silence, speech(ALICE, 2), silence])
    quality = assess_voice(
        VoiceSample(samples, RATE_HZ, clipped_share=0.25), (SpeechSegment(1.0, 3.0),)
    )
    assert quality.net_speech_s == 2
    assert quality.snr_db > 40
    assert quality.clipped_share == 0.25
    assert quality.bandwidth_hz > 4000
    assert quality.decoded_s == 4


def test_a_recording_without_speech_has_nothing_good() -> None:
    quality = assess_voice(VoiceSample(_noise(1, 0.01), RATE_HZ), ())
    assert (quality.net_speech_s, quality.snr_db, quality.bandwidth_hz) == (0, 0, 0)
    assert quality.decoded_s == 1


def test_a_good_recording_needs_no_guidance() -> None:
    verdicts = judge_voice(GOOD, VoiceRequirements())
    assert all(verdict.passed and not verdict.guidance for verdict in verdicts.values())


@pytest.mark.parametrize(
    ("measure", "value", "word"),
    [
        ("net_speech_s", 1.2, "longer"),
        ("snr_db", 8.0, "quieter"),
        ("clipped_share", 0.05, "level"),
        ("bandwidth_hz", 3500.0, "telephone"),
    ],
)
def test_each_fault_has_its_guidance(measure: str, value: float, word: str) -> None:
    figures = {name: getattr(GOOD, name) for name in VoiceQuality.__dataclass_fields__}
    verdicts = judge_voice(VoiceQuality(**figures | {measure: value}), VoiceRequirements())
    assert [name for name, verdict in verdicts.items() if not verdict.passed] == [measure]
    assert word in verdicts[measure].guidance
