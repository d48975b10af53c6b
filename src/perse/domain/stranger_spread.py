"""How far strangers' cosines spread, given what the recordings are like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from perse.errors import InvalidParameter

Values = NDArray[np.floating[Any]]

# Telephones end at 4 kHz; what reaches 5 kHz came from no telephone.
_NARROW_HZ, _WIDE_HZ = 4000.0, 5000.0


class Recorded(Protocol):
    """What is known of a recording, or of many at once."""

    @property
    def net_speech_s(self) -> float | Values: ...

    @property
    def bandwidth_hz(self) -> float | Values: ...


@dataclass(frozen=True, slots=True)
class RecordedMany:
    """Arrays that go together by numpy's rules."""

    net_speech_s: Values
    bandwidth_hz: Values


@dataclass(frozen=True, slots=True)
class SpreadCorrection:
    """Makes cosines of all kinds of pairs comparable: strangers reach each of them equally often.

    The more speech there is, the more of a template is the voice and the less is what was said,
    so that strangers' cosines spread out: one threshold would pass more of them. The spread grows
    by the share ``slope`` for every e-fold of net speech; a corrected cosine is what
    ``reference_s`` of speech would have given. Beyond ``longest_s`` and below ``shortest_s``
    nothing more is corrected. Through two telephones less of each voice is left, which makes them
    more alike (the spread grows by the share ``both_narrow``), and a telephone and another
    recording have less in common (``one_narrow``, negative).
    """

    slope: float = 0.0
    reference_s: float = 2.5
    longest_s: float = 10.0
    shortest_s: float = 1.0
    both_narrow: float = 0.0
    one_narrow: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.shortest_s <= self.reference_s <= self.longest_s or self.slope < 0:
            raise InvalidParameter(f"no correction of a spread: {self}")
        shortest = 1 + self.slope * np.log(self.shortest_s / self.reference_s)
        if min(shortest, 1 + self.both_narrow, 1 + self.one_narrow) <= 0:
            raise InvalidParameter(f"so strong a correction turns scores around: {self}")

    def spread(self, first: Recorded, second: Recorded) -> Values:
        """Spread of strangers' cosines relative to that of two wide-band recordings with
        ``reference_s`` of speech. Of two durations the harmonic mean counts, since the shorter one
        decides."""
        one, other = narrowness(first.bandwidth_hz), narrowness(second.bandwidth_hz)
        both = np.minimum(one, other)
        lines = 1 + self.both_narrow * both + self.one_narrow * (np.maximum(one, other) - both)
        effective_s = 2 / (1 / _some(first.net_speech_s) + 1 / _some(second.net_speech_s))
        bounded_s = np.clip(effective_s, self.shortest_s, self.longest_s)
        spread: Values = lines * (1 + self.slope * np.log(bounded_s / self.reference_s))
        return spread

    def least_spread(self, recorded: Recorded) -> float:
        """With whatever other recording there may be, the spread is not less."""
        own = float(narrowness(recorded.bandwidth_hz))
        # Straight between other recordings as narrow as these.
        others = np.array([0.0, own, 1.0])
        both = np.minimum(own, others)
        lines = 1 + self.both_narrow * both + self.one_narrow * (np.maximum(own, others) - both)
        shortest = 1 + self.slope * np.log(self.shortest_s / self.reference_s)
        return float(lines.min() * shortest)

    def corrected(self, cosine: float | Values, first: Recorded, second: Recorded) -> Values:
        """-1..1 -> -1..1; keeps the order of pairs of equal spread."""
        return np.clip(cosine / self.spread(first, second), -1.0, 1.0)


def narrowness(bandwidth_hz: float | Values) -> Values:
    """1 of a telephone, 0 of a wide-band recording."""
    share: Values = (_WIDE_HZ - np.asarray(bandwidth_hz)) / (_WIDE_HZ - _NARROW_HZ)
    return np.clip(share, 0.0, 1.0)


def _some(seconds: float | Values) -> Values:
    return np.maximum(seconds, 1e-3)
