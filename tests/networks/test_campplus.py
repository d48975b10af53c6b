from __future__ import annotations

import numpy as np
import pytest

from perse.domain.filterbank import RATE_HZ
from perse.domain.references import Template
from perse.domain.samples import VoiceSample
from perse.domain.speech import SpeechSegment
from perse.domain.voice_quality import VoiceQuality
from perse.errors import InvalidParameter
from perse.networks.campplus import (
    CONDITIONS,
    FEATURES,
    CampplusSpeakerEmbedder,
    condition_weights,
    shipped_cohort,
)
from perse.networks.session import open_session
from perse.weights.catalogue import Catalog
from perse.weights.store import WeightStore
from tests.synthetic_speech import ALICE, BOB, Person, speech


@pytest.fixture(scope="module")
def embedder(catalog: Catalog, weights: WeightStore) -> CampplusSpeakerEmbedder:
    card = catalog.card("campplus")
    return CampplusSpeakerEmbedder(open_session(weights.obtain(card)), card.name)


def _template(
    embedder: CampplusSpeakerEmbedder, person: Person, *, seconds: float = 3, seed: int = 0
) -> Template:
    sample = VoiceSample(speech(person, seconds, seed=seed), RATE_HZ)
    return embedder.embed(sample, (SpeechSegment(0, seconds),))


def test_one_person_is_closer_than_another(embedder: CampplusSpeakerEmbedder) -> None:
    alice, again = _template(embedder, ALICE), _template(embedder, ALICE, seed=1)
    assert alice.cosine(again) > alice.cosine(_template(embedder, BOB)) + 0.2
    assert alice.vector.shape == (FEATURES,)
    assert alice.model == "campplus"


@pytest.mark.parametrize("level", [0.1, 2.0])
def test_the_level_of_a_recording_does_not_matter(
    embedder: CampplusSpeakerEmbedder, level: float
) -> None:
    loud = VoiceSample(speech(BOB, 2) * np.float32(level), RATE_HZ)
    template = embedder.embed(loud, (SpeechSegment(0, 2),))
    assert template.cosine(_template(embedder, BOB, seconds=2)) > 0.97


def _amid_silence(embedder: CampplusSpeakerEmbedder, silence_s: float) -> Template:
    silence = np.zeros(round(silence_s * RATE_HZ), np.float32)
    samples = np.concatenate([silence, speech(BOB, 3), silence])
    there = SpeechSegment(silence_s, silence_s + 3)
    return embedder.embed(VoiceSample(samples, RATE_HZ), (there,))


def test_the_length_of_silence_around_the_speech_does_not_matter(
    embedder: CampplusSpeakerEmbedder,
) -> None:
    assert _amid_silence(embedder, 3).cosine(_amid_silence(embedder, 0.5)) > 0.999


@pytest.mark.parametrize("seconds", [0.2, 1.0, 30.0])
def test_any_length_makes_a_template(embedder: CampplusSpeakerEmbedder, seconds: float) -> None:
    assert np.isfinite(_template(embedder, ALICE, seconds=seconds).vector).all()


@pytest.mark.parametrize("speech_there", [(), (SpeechSegment(0.0, 0.5),)])
def test_without_speech_there_is_no_template(
    embedder: CampplusSpeakerEmbedder, speech_there: tuple[SpeechSegment, ...]
) -> None:
    silence = VoiceSample(np.zeros(RATE_HZ, np.float32), RATE_HZ)
    with pytest.raises(InvalidParameter, match="too little speech"):
        embedder.embed(silence, speech_there)


def test_other_rates_are_refused(embedder: CampplusSpeakerEmbedder) -> None:
    with pytest.raises(InvalidParameter, match="8000"):
        embedder.embed(VoiceSample(speech(BOB, 1), 8000), (SpeechSegment(0, 1),))


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
    weights = condition_weights(VoiceQuality(3.0, snr_db, 0.0, bandwidth_hz, 3.0))
    assert weights.sum() == pytest.approx(1)
    assert {i: float(w) for i, w in enumerate(weights) if w} == pytest.approx(expected)


def test_the_shipped_means_cannot_be_changed() -> None:
    cohort = shipped_cohort()
    assert cohort.shape == (CONDITIONS, FEATURES)
    assert np.isfinite(cohort).all()
    with pytest.raises(ValueError, match="read-only"):
        cohort[0] = 0
