from __future__ import annotations

import numpy as np
import pytest

from perse.bootstrap.voices import voice_limits
from perse.domain.filterbank import RATE_HZ
from perse.domain.references import Template
from perse.domain.samples import VoiceSample
from perse.domain.speech import SpeechSegment
from perse.errors import InvalidParameter
from perse.networks.campplus import (
    FEATURES,
    CampplusSpeakerEmbedder,
    crowding,
    without_common,
)
from perse.networks.session import open_session
from perse.weights.catalogue import Catalog
from perse.weights.cohort import shipped_cohort, shipped_crowd
from perse.weights.store import WeightStore
from tests.synthetic_speech import ALICE, BOB, Person, speech


@pytest.fixture(scope="module")
def embedder(catalog: Catalog, weights: WeightStore) -> CampplusSpeakerEmbedder:
    card = catalog.card("campplus")
    session = open_session(weights.obtain(card))
    return CampplusSpeakerEmbedder(session, card.name, shipped_cohort(), shipped_crowd())


def _template(
    embedder: CampplusSpeakerEmbedder, person: Person, *, seconds: float = 3, seed: int = 0
) -> Template:
    sample = VoiceSample(speech(person, seconds, seed=seed), RATE_HZ)
    return embedder.embed(sample, (SpeechSegment(0, seconds),)).template


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
    template = embedder.embed(loud, (SpeechSegment(0, 2),)).template
    assert template.cosine(_template(embedder, BOB, seconds=2)) > 0.97


def _amid_silence(embedder: CampplusSpeakerEmbedder, silence_s: float) -> Template:
    silence = np.zeros(round(silence_s * RATE_HZ), np.float32)
    samples = np.concatenate([silence, speech(BOB, 3), silence])
    there = SpeechSegment(silence_s, silence_s + 3)
    return embedder.embed(VoiceSample(samples, RATE_HZ), (there,)).template


def test_the_length_of_silence_around_the_speech_does_not_matter(
    embedder: CampplusSpeakerEmbedder,
) -> None:
    assert _amid_silence(embedder, 3).cosine(_amid_silence(embedder, 0.5)) > 0.999


@pytest.mark.parametrize("level", [0.0, 0.01])
def test_gaps_that_a_program_left_hardly_matter(
    embedder: CampplusSpeakerEmbedder, level: float
) -> None:
    whole = speech(ALICE, 4)
    whole += np.random.default_rng(0).normal(0, 1e-3, len(whole)).astype(np.float32)
    holed = whole.copy()
    for start in range(0, len(holed), 3200):
        holed[start : start + 320] = level
    one, other = (
        embedder.embed(VoiceSample(samples, RATE_HZ), (SpeechSegment(0, 4),)).template
        for samples in (whole, holed)
    )
    assert one.cosine(other) > 0.9


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


def test_what_all_voices_share_is_taken_off() -> None:
    cohort = np.array([[1, 1, 1], [0, 1, 0]], np.float32)
    features = np.array([[3, 9, 0], [1, 1, 1]], np.float32)
    assert without_common(features, cohort).tolist() == [[2, 0, -1], [0, 0, 0]]
    assert without_common(features[0], cohort[:1]).tolist() == [2, 8, -1]


def test_the_shipped_cohort_is_a_mean_and_directions_and_cannot_be_changed() -> None:
    cohort = shipped_cohort()
    directions = cohort[1:]
    assert cohort.shape[1] == FEATURES
    assert len(directions) > 0
    np.testing.assert_allclose(directions @ directions.T, np.eye(len(directions)), atol=1e-5)
    with pytest.raises(ValueError, match="read-only"):
        cohort[0] = 0


def test_one_persons_parts_agree_and_those_of_two_do_not(
    embedder: CampplusSpeakerEmbedder,
) -> None:
    noise = np.random.default_rng(0).normal(0, 1e-3, 6 * RATE_HZ).astype(np.float32)
    alone, other = speech(ALICE, 6) + noise, speech(BOB, 6) + noise
    in_turn = np.concatenate([alone[: 3 * RATE_HZ], other[: 3 * RATE_HZ]])
    agreements = [
        embedder.embed(VoiceSample(samples, RATE_HZ), (SpeechSegment(0, 6),)).voices.agreement
        for samples in (alone, in_turn)
    ]
    assert agreements[0] is not None
    assert agreements[1] is not None
    assert agreements[0] > agreements[1] + 0.2


@pytest.mark.parametrize(("seconds", "told"), [(1.4, False), (2.0, False), (3.2, True)])
def test_two_parts_are_the_least_to_agree(
    embedder: CampplusSpeakerEmbedder, seconds: float, told: bool
) -> None:
    sample = VoiceSample(speech(ALICE, seconds), RATE_HZ)
    heard = embedder.embed(sample, (SpeechSegment(0, seconds),))
    assert (heard.voices.agreement is not None) == told


def test_a_crowd_is_told_by_the_features_and_their_length() -> None:
    crowd = np.array([1, 0, -2, 0.5], np.float32)
    features = np.array([[3, 4], [0, 1]], np.float32)
    assert crowding(features, crowd).tolist() == pytest.approx([3.5 - 2 * np.log(5), 0.5])
    assert crowding(features[1], crowd) == pytest.approx(0.5)


def test_a_recording_is_asked_for_a_crowd_before_anything_is_taken_off(
    embedder: CampplusSpeakerEmbedder,
) -> None:
    sample, there = VoiceSample(speech(ALICE, 3), RATE_HZ), (SpeechSegment(0, 3),)
    features, _ = embedder.features(sample, there)
    told = embedder.embed(sample, there).voices.crowding
    assert told == pytest.approx(float(crowding(features, shipped_crowd())))


def test_the_shorter_the_features_the_more_of_a_crowd_is_told() -> None:
    crowd = shipped_crowd()
    assert crowd.shape == (FEATURES + 2,)
    assert crowd[-2] < 0
    with pytest.raises(ValueError, match="read-only"):
        crowd[0] = 0


@pytest.mark.parametrize("person", [ALICE, BOB])
def test_one_person_is_no_crowd(
    embedder: CampplusSpeakerEmbedder, catalog: Catalog, person: Person
) -> None:
    sample, there = VoiceSample(speech(person, 4), RATE_HZ), (SpeechSegment(0, 4),)
    voices = embedder.embed(sample, there).voices
    assert not list(voice_limits(catalog.card("campplus")).obstacles("it", voices, snr_db=30))
