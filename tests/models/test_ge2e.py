from __future__ import annotations

import numpy as np
import pytest

from perse.domain.references import Template
from perse.domain.samples import VoiceSample
from perse.domain.speech import SpeechSegment
from perse.domain.voice_quality import VoiceQuality
from perse.errors import InvalidParameter
from perse.models.catalog import Catalog
from perse.models.ge2e import (
    CONDITIONS,
    RATE_HZ,
    Ge2eSpeakerEmbedder,
    condition_weights,
    joined,
    shipped_cohort,
    views_of,
    windows_of,
)
from perse.models.session import open_session
from perse.models.sources import WeightStore
from tests.synthetic_speech import ALICE, BOB, Person, speech


@pytest.fixture(scope="module")
def embedder(catalog: Catalog, weights: WeightStore) -> Ge2eSpeakerEmbedder:
    card = catalog.card("ge2e")
    return Ge2eSpeakerEmbedder(open_session(weights.obtain(card)), card.name)


def _template(
    embedder: Ge2eSpeakerEmbedder, person: Person, *, seconds: float = 3, seed: int = 0
) -> Template:
    sample = VoiceSample(speech(person, seconds, seed=seed), RATE_HZ)
    return embedder.embed(sample, (SpeechSegment(0, seconds),))


def test_one_person_is_closer_than_another(embedder: Ge2eSpeakerEmbedder) -> None:
    alice, again = _template(embedder, ALICE), _template(embedder, ALICE, seed=1)
    bob = _template(embedder, BOB)
    assert alice.cosine(again) > 0.8
    assert alice.cosine(bob) < 0.7
    assert alice.vector.shape == (512,)
    assert alice.model == "ge2e"


@pytest.mark.parametrize("level", [0.01, 0.2, 2.0])
def test_the_level_of_a_recording_does_not_matter(
    embedder: Ge2eSpeakerEmbedder, level: float
) -> None:
    loud = VoiceSample(speech(BOB, 2) * np.float32(level), RATE_HZ)
    template = embedder.embed(loud, (SpeechSegment(0, 2),))
    assert template.cosine(_template(embedder, BOB, seconds=2)) > 0.999


def _amid_silence(embedder: Ge2eSpeakerEmbedder, silence_s: float) -> Template:
    silence = np.zeros(round(silence_s * RATE_HZ), np.float32)
    samples = np.concatenate([silence, speech(BOB, 3), silence])
    there = SpeechSegment(silence_s, silence_s + 3)
    return embedder.embed(VoiceSample(samples, RATE_HZ), (there,))


def test_the_length_of_silence_around_the_speech_does_not_matter(
    embedder: Ge2eSpeakerEmbedder,
) -> None:
    assert _amid_silence(embedder, 3).cosine(_amid_silence(embedder, 0.5)) > 0.999


@pytest.mark.parametrize("seconds", [0.2, 1.0, 1.7, 30.0])
def test_any_length_makes_a_template(embedder: Ge2eSpeakerEmbedder, seconds: float) -> None:
    template = _template(embedder, ALICE, seconds=seconds)
    assert np.isfinite(template.vector).all()


def test_many_windows_are_run_in_parts_that_agree(
    embedder: Ge2eSpeakerEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = _template(embedder, ALICE, seconds=8)
    monkeypatch.setattr("perse.models.ge2e._WINDOWS_AT_A_TIME", 3)
    assert _template(embedder, ALICE, seconds=8).cosine(at_once) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("speech_there", [(), (SpeechSegment(0.0, 0.5),)])
def test_without_speech_there_is_no_template(
    embedder: Ge2eSpeakerEmbedder, speech_there: tuple[SpeechSegment, ...]
) -> None:
    silence = VoiceSample(np.zeros(RATE_HZ, np.float32), RATE_HZ)
    with pytest.raises(InvalidParameter, match="no speech"):
        embedder.embed(silence, speech_there)


def test_other_rates_are_refused(embedder: Ge2eSpeakerEmbedder) -> None:
    with pytest.raises(InvalidParameter, match="8000"):
        embedder.embed(VoiceSample(speech(BOB, 1), 8000), (SpeechSegment(0, 1),))


def test_windows_are_mel_power_at_the_training_level() -> None:
    windows = windows_of(speech(BOB, 4) * np.float32(0.02))
    assert windows.shape == (5, 160, 40)
    assert windows.dtype == np.float32
    np.testing.assert_allclose(windows, windows_of(speech(BOB, 4)), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("snr_db", "bandwidth_hz", "expected"),
    [
        (5.0, 8000.0, {0: 1.0}),
        (0.0, 8000.0, {0: 1.0}),
        (7.5, 8000.0, {0: 0.5, 1: 0.5}),
        (20.0, 8000.0, {3: 1.0}),
        (60.0, 8000.0, {4: 1.0}),
        (25.0, 3500.0, {8: 0.5, 9: 0.5}),
        (2.0, 4000.0, {5: 1.0}),
    ],
)
def test_a_recording_stands_between_two_conditions(
    snr_db: float, bandwidth_hz: float, expected: dict[int, float]
) -> None:
    weights = condition_weights(VoiceQuality(2.0, snr_db, 0.0, bandwidth_hz, 3.0))
    assert weights.shape == (CONDITIONS,)
    assert {int(i): float(weights[i]) for i in np.flatnonzero(weights)} == expected


def test_views_are_unit_means_of_rectified_and_plain_features() -> None:
    features = np.zeros((2, 256), np.float32)
    features[0, :2] = 3, -4
    features[1, 0] = 1
    rectified, plain = views_of(features)
    assert rectified[:2].tolist() == [1, 0]
    np.testing.assert_allclose(plain[:2], np.array([0.8, -0.4]) / np.hypot(0.8, 0.4), rtol=1e-5)


def test_a_window_without_direction_is_no_nan() -> None:
    assert np.isfinite(views_of(np.full((1, 256), -1, np.float32))).all()


def test_the_plain_view_counts_for_half() -> None:
    views = np.zeros((3, 2, 256), np.float32)
    views[:, 0, 0], views[:, 1, 1] = 5, 7
    both = joined(views)
    assert both.shape == (3, 512)
    assert both[1, 0] == 1
    assert both[1, 256 + 1] == 0.5


def test_the_shipped_cohort_is_sane_and_read_only() -> None:
    cohort = shipped_cohort()
    assert cohort.shape == (CONDITIONS, 2, 256)
    assert cohort.dtype == np.float32
    assert (cohort[:, 0] >= 0).all()
    assert (np.linalg.norm(cohort, axis=2) < 1).all()
    with pytest.raises(ValueError, match="read-only"):
        cohort[0, 0] = 1
