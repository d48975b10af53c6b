from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from perse.domain.samples import VoiceSample
from perse.domain.speech import net_speech_s
from perse.errors import InvalidParameter
from perse.networks.session import open_session
from perse.networks.silero_vad import RATE_HZ, SileroSpeechDetector, with_context
from perse.weights.catalogue import Catalog
from perse.weights.store import WeightStore
from tests.synthetic_speech import ALICE, BOB, Person, speech
from training.voice.sounds import SOUNDS

Samples = NDArray[np.float32]
CHANCE = np.random.default_rng(8)


@pytest.fixture(scope="module")
def detector(catalog: Catalog, weights: WeightStore) -> SileroSpeechDetector:
    card = catalog.card("silero_vad")
    return SileroSpeechDetector(open_session(weights.obtain(card)), card.name)


def _net_speech_s(detector: SileroSpeechDetector, samples: Samples) -> float:
    return net_speech_s(detector.detect(VoiceSample(samples, RATE_HZ)))


def test_each_window_has_the_end_of_the_one_before() -> None:
    samples = np.arange(1, 1101, dtype=np.float32)
    (windows,) = with_context(samples)
    assert windows.shape == (3, 576)
    assert not windows[0, :64].any()
    assert windows[0, 64:].tolist() == list(range(1, 513))
    assert windows[1].tolist() == list(range(449, 1025))
    assert windows[2, : 64 + 76].tolist() == list(range(961, 1101))
    assert not windows[2, 64 + 76 :].any()


def test_nothing_gives_no_window() -> None:
    assert list(with_context(np.empty(0, np.float32))) == []


@pytest.mark.parametrize("person", [ALICE, BOB])
@pytest.mark.parametrize("level", [0.1, 0.5, 1.0])
def test_speech_is_found_at_any_level(
    detector: SileroSpeechDetector, person: Person, level: float
) -> None:
    samples = np.zeros(5 * RATE_HZ, np.float32)
    samples[RATE_HZ : 4 * RATE_HZ] = speech(person, 3) * np.float32(level)
    segments = detector.detect(VoiceSample(samples, RATE_HZ))
    assert net_speech_s(segments) == pytest.approx(3, abs=0.8)
    assert segments[0].start_s == pytest.approx(1, abs=0.4)
    assert segments[-1].end_s == pytest.approx(4, abs=0.2)


def _music() -> Samples:
    time_s = np.arange(6 * RATE_HZ) / RATE_HZ
    notes = 220 * 2 ** (np.array([0, 4, 7, 12, 7, 4])[(time_s * 2).astype(int) % 6] / 12)
    decay = np.exp(-4 * (time_s * 2 % 1))
    tones = [np.sin(2 * np.pi * np.cumsum(notes * k) / RATE_HZ) / k**2 for k in range(1, 5)]
    return np.asarray(0.3 * decay * sum(tones), dtype=np.float32)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(5 * RATE_HZ, np.float32),
        np.full(5 * RATE_HZ, 0.5, np.float32),
        CHANCE.normal(0, 0.1, 5 * RATE_HZ).astype(np.float32),
        np.sign(CHANCE.normal(size=5 * RATE_HZ)).astype(np.float32),
        np.sin(np.arange(5 * RATE_HZ) * 0.2).astype(np.float32),
        _music(),
    ],
    ids=["silence", "direct current", "noise", "clipped noise", "tone", "music"],
)
def test_what_is_no_speech_is_not_taken_for_it(
    detector: SileroSpeechDetector, samples: Samples
) -> None:
    assert _net_speech_s(detector, samples) < 0.5


def test_the_memory_goes_from_block_to_block(
    detector: SileroSpeechDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = speech(BOB, 4)
    at_once = detector.probabilities(samples)
    monkeypatch.setattr("perse.networks.silero_vad._WINDOWS_AT_A_TIME", 10)
    np.testing.assert_allclose(detector.probabilities(samples), at_once, atol=1e-5)


def test_one_detector_serves_many_threads(detector: SileroSpeechDetector) -> None:
    recordings = [VoiceSample(speech(BOB, 2, seed=seed), RATE_HZ) for seed in range(6)]
    alone = [detector.detect(recording) for recording in recordings]
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(detector.detect, recordings)) == alone


def test_other_rates_are_refused(detector: SileroSpeechDetector) -> None:
    with pytest.raises(InvalidParameter, match="8000"):
        detector.detect(VoiceSample(np.zeros(100, np.float32), 8000))


@pytest.mark.parametrize("sound", SOUNDS)
def test_music_and_tones_are_no_speech(detector: SileroSpeechDetector, sound: str) -> None:
    assert _net_speech_s(detector, SOUNDS[sound](4.0, 3)) < 0.5
