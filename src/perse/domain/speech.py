"""Speech in a recording: from a detector's probabilities to stretches of speech."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perse.domain.samples import VoiceSample
from perse.errors import InvalidParameter

Samples = NDArray[np.float32]

# A thirtieth of a step of 16 bits: what resampling leaves of zeros.
_STILL = 1e-6
_SHORTEST_STILL_S = 0.005


@dataclass(frozen=True, slots=True)
class SpeechSegment:
    """A stretch of speech, in seconds from the start of the recording."""

    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        if not 0 <= self.start_s < self.end_s:
            raise InvalidParameter(f"not a speech segment: {self}")

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class SpeechRule:
    """When speech begins and ends, as probabilities and seconds.

    Speech begins at ``enter`` and ends below ``leave``; a pause shorter than
    ``shortest_pause_s`` belongs to the speech around it; what is then shorter than
    ``shortest_speech_s`` is no speech.
    """

    enter: float = 0.5
    leave: float = 0.35
    shortest_pause_s: float = 0.1
    shortest_speech_s: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.leave <= self.enter < 1:
            raise InvalidParameter("speech must not end above the probability at which it begins")


def segments_of(
    probabilities: Sequence[float], *, step_s: float, duration_s: float, rule: SpeechRule
) -> tuple[SpeechSegment, ...]:
    """Segments of speech in order, none overlapping, all within 0..``duration_s``.

    ``probabilities``: one per window of ``step_s`` seconds, the windows side by side.
    """
    runs = _without_short_pauses(_runs(probabilities, rule), rule.shortest_pause_s / step_s)
    spans = [(first * step_s, min(after * step_s, duration_s)) for first, after in runs]
    return tuple(
        SpeechSegment(start, end) for start, end in spans if end - start >= rule.shortest_speech_s
    )


def _runs(probabilities: Sequence[float], rule: SpeechRule) -> list[tuple[int, int]]:
    """Windows of speech as (first, one after the last)."""
    runs: list[tuple[int, int]] = []
    start: int | None = None
    for window, probability in enumerate(probabilities):
        if start is None and probability >= rule.enter:
            start = window
        elif start is not None and probability < rule.leave:
            runs.append((start, window))
            start = None
    if start is not None:
        runs.append((start, len(probabilities)))
    return runs


def _without_short_pauses(
    runs: Iterable[tuple[int, int]], shortest_pause: float
) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, after in runs:
        if joined and first - joined[-1][1] < shortest_pause:
            joined[-1] = (joined[-1][0], after)
        else:
            joined.append((first, after))
    return joined


def net_speech_s(segments: Iterable[SpeechSegment]) -> float:
    """Seconds of speech in all."""
    return sum(segment.duration_s for segment in segments)


def speech_mask(
    sample: VoiceSample, segments: Iterable[SpeechSegment], *, margin_s: float = 0.0
) -> NDArray[np.bool_]:
    """True for each of the recording's samples within ``margin_s`` of speech."""
    mask = np.zeros(len(sample.samples), dtype=np.bool_)
    for segment in segments:
        start = round((segment.start_s - margin_s) * sample.rate_hz)
        mask[max(0, start) : round((segment.end_s + margin_s) * sample.rate_hz)] = True
    return mask


def speech_only(
    sample: VoiceSample, segments: Iterable[SpeechSegment], *, margin_s: float = 0.0
) -> Samples:
    """The speech of ``sample`` joined into one piece, float32, with ``margin_s`` on either side."""
    return sample.samples[speech_mask(sample, segments, margin_s=margin_s)]


def without_stillness(samples: Samples, *, rate_hz: int) -> Samples:
    """``samples`` less every stretch of 5 ms and more in which nothing moves.

    No microphone is as still: programs write such stretches in the place of lost packets and of
    pauses, and the logarithm of nothing would outweigh all speech around them.
    """
    still = np.concatenate(([False], np.abs(np.diff(samples)) < _STILL, [False]))
    edges = np.flatnonzero(np.diff(still.astype(np.int8))).reshape(-1, 2)
    kept = np.ones(len(samples), dtype=np.bool_)
    lengths = np.diff(edges, axis=1).ravel() + 1
    for first, last in edges[lengths >= _SHORTEST_STILL_S * rate_hz]:
        kept[first : last + 1] = False
    return samples[kept]
