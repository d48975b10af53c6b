from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from perse.domain.samples import VoiceSample
from perse.domain.speech import (
    SpeechRule,
    SpeechSegment,
    net_speech_s,
    segments_of,
    speech_mask,
    speech_only,
    without_stillness,
)
from perse.errors import InvalidParameter

STEP_S = 0.1
RULE = SpeechRule(enter=0.5, leave=0.35, shortest_pause_s=0.2, shortest_speech_s=0.2)


def _segments(text: str) -> list[tuple[float, float]]:
    """One window a character: '#' speech, '.' silence, '-' between both thresholds."""
    likely = [{"#": 0.9, "-": 0.4, ".": 0.1}[c] for c in text]
    duration_s = len(text) * STEP_S
    found = segments_of(likely, step_s=STEP_S, duration_s=duration_s, rule=RULE)
    return [(round(s.start_s, 6), round(s.end_s, 6)) for s in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("....", []),
        ("", []),
        ("####", [(0.0, 0.4)]),
        ("..##..", [(0.2, 0.4)]),
        ("..##--..", [(0.2, 0.6)]),
        ("..--##", [(0.4, 0.6)]),
        ("##.##", [(0.0, 0.5)]),
        ("##...##", [(0.0, 0.2), (0.5, 0.7)]),
        ("..#...", []),
        ("..#.#.", [(0.2, 0.5)]),
    ],
)
def test_speech_begins_and_ends_by_the_rule(text: str, expected: list[tuple[float, float]]) -> None:
    assert _segments(text) == expected


@given(st.lists(st.floats(0, 1), max_size=80))
def test_segments_are_in_order_apart_and_inside(likely: list[float]) -> None:
    duration_s = max(0.0, len(likely) * STEP_S - 0.05)
    found = segments_of(likely, step_s=STEP_S, duration_s=duration_s, rule=RULE)
    edges = [edge for s in found for edge in (s.start_s, s.end_s)]
    assert edges == sorted(edges)
    assert not edges or edges[-1] <= duration_s
    assert net_speech_s(found) <= duration_s


def test_a_rule_cannot_end_speech_above_its_beginning() -> None:
    with pytest.raises(InvalidParameter):
        SpeechRule(enter=0.3, leave=0.5)


@pytest.mark.parametrize(("start", "end"), [(-1.0, 1.0), (1.0, 1.0), (2.0, 1.0)])
def test_a_segment_goes_forward(start: float, end: float) -> None:
    with pytest.raises(InvalidParameter):
        SpeechSegment(start, end)


def test_speech_is_cut_out_with_its_margin() -> None:
    sample = VoiceSample(np.arange(10, dtype=np.float32), 10)
    segments = (SpeechSegment(0.2, 0.4), SpeechSegment(0.7, 0.8))
    assert speech_only(sample, segments).tolist() == [2, 3, 7]
    assert speech_only(sample, segments, margin_s=0.1).tolist() == [1, 2, 3, 4, 6, 7, 8]
    assert speech_mask(sample, segments, margin_s=5).all()


def test_a_recording_holds_a_sane_clipped_share() -> None:
    with pytest.raises(InvalidParameter):
        VoiceSample(np.zeros(1, np.float32), 16_000, clipped_share=1.1)


def _moving(length: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(0, 1e-3, length).astype(np.float32)


@pytest.mark.parametrize("level", [0.0, 0.02, -0.5])
def test_what_no_microphone_heard_is_cut_out_at_any_level(level: float) -> None:
    still = np.full(80, level, np.float32)
    heard = without_stillness(np.concatenate([still, _moving(50), still]), rate_hz=16_000)
    assert len(heard) <= 52
    assert set(_moving(50).tolist()) <= set(heard.tolist())


def test_shorter_stretches_stay() -> None:
    samples = np.concatenate([_moving(50), np.zeros(79, np.float32), _moving(50)])
    assert without_stillness(samples, rate_hz=16_000).tolist() == samples.tolist()


def test_a_whisper_is_no_stillness() -> None:
    whisper = _moving(500) / np.float32(100)
    assert len(without_stillness(whisper, rate_hz=16_000)) == 500


@pytest.mark.parametrize("length", [0, 1, 2])
def test_hardly_any_sample_is_no_stillness(length: int) -> None:
    assert len(without_stillness(np.zeros(length, np.float32), rate_hz=16_000)) == length
