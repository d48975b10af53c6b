from __future__ import annotations

import numpy as np
import pytest

from perse.domain.voice_obstacles import HeardVoices, VoiceLimits, agreement
from perse.errors import InvalidParameter

LIMITS = VoiceLimits(agreement=0.3, snr_db=3.0, crowding=2.0)


def test_two_groups_of_parts_agree_as_they_do_on_average() -> None:
    parts = np.array([[1, 0], [0, 2], [3, 0], [0, 1]], np.float32)
    assert agreement(parts) == pytest.approx(0)
    assert agreement(parts[::2]) == pytest.approx(1)
    leaning = np.array([[1, 0], [1, 1], [0, 1]], np.float32)
    assert agreement(leaning) == pytest.approx(np.sqrt(0.5) / 2)


def test_many_parts_of_one_voice_agree_as_few_do() -> None:
    chance = np.random.default_rng(0)
    parts = (chance.normal(size=64) + chance.normal(size=(40, 64))).astype(np.float32)
    few, many = agreement(parts[:4]), agreement(parts)
    assert few is not None
    assert many is not None
    assert abs(few - many) < 0.1


@pytest.mark.parametrize("count", [0, 1])
def test_a_single_part_agrees_with_nothing(count: int) -> None:
    assert agreement(np.ones((count, 3), np.float32)) is None


@pytest.mark.parametrize(
    ("voices", "snr_db"),
    [
        (HeardVoices(agreement=0.3), 3.0),
        (HeardVoices(), 60.0),
        (HeardVoices(agreement=1.0, crowding=2.0), 20.0),
    ],
)
def test_a_voice_alone_is_no_obstacle(voices: HeardVoices, snr_db: float) -> None:
    assert not list(LIMITS.obstacles("it", voices, snr_db=snr_db))


@pytest.mark.parametrize(
    "voices", [HeardVoices(agreement=0.1), HeardVoices(crowding=2.1), HeardVoices(0.1, 2.1)]
)
def test_obstacles_are_told_with_the_recording_they_are_in(voices: HeardVoices) -> None:
    several, noise = LIMITS.obstacles("the recording", voices, snr_db=0)
    assert several.startswith("Record one person alone")
    assert noise.startswith("Go somewhere quieter")
    assert several.endswith("in the recording.")
    assert noise.endswith("in the recording.")


def test_without_limits_everything_is_assessable() -> None:
    assert not list(VoiceLimits().obstacles("it", HeardVoices(-0.99, 99.0), snr_db=0))


@pytest.mark.parametrize(
    "wrong",
    [{"agreement": 1.0}, {"agreement": -1.1}, {"snr_db": np.nan}, {"crowding": np.nan}],
)
def test_limits_that_no_recording_can_reach_cannot_exist(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidParameter):
        VoiceLimits(**wrong)
