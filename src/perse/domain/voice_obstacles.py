"""Why the similarity of two recordings may say little."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perse.errors import InvalidParameter


@dataclass(frozen=True, slots=True)
class HeardVoices:
    """Whether a recording seems to be one person's. ``agreement``: of its parts, as ``agreement``
    gives it. ``crowding``: log odds that several people speak at once. None: nobody told."""

    agreement: float | None = None
    crowding: float | None = None


@dataclass(frozen=True, slots=True)
class VoiceLimits:
    """What a recording has to reach for its similarity to be assessable.

    ``agreement``: as ``agreement`` gives it. ``snr_db``: speech over background. ``crowding``: the
    highest log odds that several people speak at once.
    """

    agreement: float = -1.0
    snr_db: float = 0.0
    crowding: float = math.inf

    def __post_init__(self) -> None:
        whole = math.isfinite(self.snr_db) and self.crowding > -math.inf
        if not (whole and -1 <= self.agreement < 1):
            raise InvalidParameter(f"no limits of a recording: {self}")

    def obstacles(self, name: str, voices: HeardVoices, *, snr_db: float) -> Iterator[str]:
        """Sentences for the person who records, the gravest first; ``name``: of the recording."""
        in_turn = voices.agreement is not None and voices.agreement < self.agreement
        at_once = voices.crowding is not None and voices.crowding > self.crowding
        if in_turn or at_once:
            yield f"Record one person alone: several voices seem to be heard in {name}."
        if snr_db < self.snr_db:
            yield f"Go somewhere quieter: noise covers the voice in {name}."


def agreement(parts: NDArray[np.float32]) -> float | None:
    """How alike the voices in the ``parts`` of a recording are, parts x values: -1..1. One person's
    parts agree, two people's do not. None where there are fewer than two.

    Every part joins the one of the two most different parts that is more like it; what counts is
    the mean cosine between the two groups, which does not fall with the number of parts.
    """
    if len(parts) < 2:
        return None
    unit = parts / np.linalg.norm(parts, axis=1, keepdims=True)
    cosines = unit @ unit.T
    one, other = np.unravel_index(np.argmin(cosines), cosines.shape)
    first = cosines[one] > cosines[other]
    if first.all() or not first.any():
        return 1.0
    return float(np.clip(cosines[np.ix_(first, ~first)].mean(), -1.0, 1.0))
