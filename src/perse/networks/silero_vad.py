"""Silero VAD, sequence edition: how probable speech is in each 32 ms of a recording.

github.com/snakers4/silero-vad, version 6. Inputs: ``input`` N x 576 float32, per window the last
64 samples of the one before it and its own 512, at 16 kHz; ``h`` and ``c`` 1 x 1 x 128, the
memory that the windows before left. Outputs: N probabilities 0..1 and the memory for what comes
next. The memory is handed from run to run and kept nowhere, so one detector serves many threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from perse.domain.samples import VoiceSample
from perse.domain.speech import SpeechRule, SpeechSegment, segments_of
from perse.errors import InvalidParameter
from perse.networks.network import Network

RATE_HZ = 16_000
_WINDOW = 512
_CONTEXT = 64
_MEMORY = (1, 1, 128)
_WINDOWS_AT_A_TIME = 512

Windows = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class SileroSpeechDetector(Network):
    """Finds speech in recordings of 16 kHz."""

    rule: SpeechRule = field(default_factory=SpeechRule)

    def detect(self, sample: VoiceSample) -> Sequence[SpeechSegment]:
        """Segments of speech in order. Raises InvalidParameter unless ``sample`` has 16 kHz."""
        if sample.rate_hz != RATE_HZ:
            raise InvalidParameter(f"speech is looked for at {RATE_HZ} Hz, not {sample.rate_hz}")
        return segments_of(
            self.probabilities(sample.samples),
            step_s=_WINDOW / RATE_HZ,
            duration_s=sample.duration_s,
            rule=self.rule,
        )

    def probabilities(self, samples: NDArray[np.float32]) -> list[float]:
        """How probable speech is in each window of 512 samples, 0..1."""
        hidden = cell = np.zeros(_MEMORY, dtype=np.float32)
        found: list[float] = []
        for windows in with_context(samples):
            likely, hidden, cell = self.session.run({"input": windows, "h": hidden, "c": cell})
            found.extend(likely.ravel().tolist())
        return found


def with_context(samples: NDArray[np.float32]) -> Iterator[Windows]:
    """Blocks of windows, each window with the 64 samples before it; zeros beyond both ends."""
    count = -(-len(samples) // _WINDOW)
    if not count:
        return
    padded = np.zeros(_CONTEXT + count * _WINDOW, dtype=np.float32)
    padded[_CONTEXT : _CONTEXT + len(samples)] = samples
    every = np.lib.stride_tricks.sliding_window_view(padded, _CONTEXT + _WINDOW)[::_WINDOW]
    for first in range(0, count, _WINDOWS_AT_A_TIME):
        yield np.ascontiguousarray(every[first : min(first + _WINDOWS_AT_A_TIME, count)])
