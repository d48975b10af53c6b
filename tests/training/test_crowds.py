"""Crowds of made-up voices: how they are mixed, and that they are told from one voice."""

from __future__ import annotations

import numpy as np
import pytest

from perse.domain.samples import VoiceSample
from perse.networks.campplus import FEATURES, crowding
from training.voice.crowds import at_once, crowds_of, half_of
from training.voice.fit_campplus import Lessons
from training.voice.fit_crowd import Judges, crowd_of
from training.voice.trials import RATE_HZ, Recording, Voices

CHANCE = np.random.default_rng(5)
PEOPLE = [f"{number:02}" for number in range(20)]
BROUGHT_TOGETHER = np.eye(FEATURES)[0] * 2


def _voices(names: list[str], *, crowd: bool) -> Voices:
    """Ten recordings of each name; those of a crowd are shorter, and lie to one side."""
    features = CHANCE.normal(size=(10 * len(names), FEATURES)) / np.sqrt(FEATURES)
    features = (0.7 * features + BROUGHT_TOGETHER) if crowd else features
    nothing = np.zeros(len(features))
    return Voices(
        np.repeat(names, 10), nothing.astype(np.int64), features.astype(np.float32), nothing,
        nothing, nothing, np.zeros((0, FEATURES), np.float32), np.zeros(0, np.int64), 0,
    )  # fmt: skip


def _recording(speaker: str, seconds: float, loudness: float) -> Recording:
    samples = CHANCE.normal(0, loudness, round(seconds * RATE_HZ)).astype(np.float32)
    return Recording(speaker, VoiceSample(samples, RATE_HZ))


LESSONS = Lessons((_voices(PEOPLE, crowd=False),), {"noise": _voices(PEOPLE, crowd=False)})
PAIRS = [f"{one} {other}" for one, other in zip(PEOPLE, [*PEOPLE[2:], *PEOPLE[:2]], strict=True)]


def test_a_crowd_is_told_from_voices_that_the_fit_has_not_seen() -> None:
    crowd = crowd_of(LESSONS, _voices(PAIRS, crowd=True))
    alone, several = (
        crowding(_voices(["new"] * 5, crowd=crowded).features, crowd) for crowded in (False, True)
    )
    assert (alone < 0).all()
    assert (several > 0).all()


def test_nobody_is_judged_by_a_fit_on_their_own_voice() -> None:
    crowds = _voices(PAIRS, crowd=True)
    judges = Judges(LESSONS, crowds)
    first = [name for name, half in half_of(PEOPLE).items() if half == 0]
    ours = crowds.of(np.isin(np.char.partition(crowds.speakers, " ")[:, 0], first))
    fitted = crowd_of(LESSONS.of(np.array(first)), ours)
    others = _voices([name for name in PEOPLE if name not in first], crowd=False)
    assert judges.crowding(others) == pytest.approx(crowding(others.features, fitted))


def test_who_speaks_at_once_is_equally_loud_whatever_the_recordings_were() -> None:
    loud, soft = _recording("a", 2, 0.5), _recording("b", 1, 0.001)
    mixed = at_once([loud, soft])
    samples = mixed.sample.samples
    assert mixed.speaker == "a b"
    assert len(samples) == RATE_HZ
    heard = [np.corrcoef(samples, one.sample.samples[:RATE_HZ])[0, 1] for one in (loud, soft)]
    assert heard == pytest.approx([np.sqrt(0.5)] * 2, abs=0.05)
    softer = at_once([loud, soft], others_db=-20).sample.samples
    assert np.corrcoef(softer, loud.sample.samples[:RATE_HZ])[0, 1] > 0.99


def test_no_crowd_has_people_of_both_halves() -> None:
    halves = half_of(PEOPLE)
    crowds = crowds_of([_recording(speaker, 2.1, 0.1) for speaker in PEOPLE])
    told = [{halves[speaker] for speaker in crowd.speaker.split()} for crowd in crowds]
    assert all(len(half) == 1 for half in told)
    assert {len(crowd.speaker.split()) for crowd in crowds} == {2, 3, 8}
