"""Why the similarity of two recordings may say little."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perse.errors import InvalidParameter


@dataclass(frozen=True, slots=True)
class VoiceLimits:
    """What a recording has to reach for its similarity to be assessable.

    ``agreement``: as ``agreement`` gives it. ``snr_db``: speech over background.
    """

    agreement: float = -1.0
    snr_db: float = 0.0

    def __post_init__(self) -> None:
        if not (-1 <= self.agreement < 1 and math.isfinite(self.snr_db)):
            raise InvalidParameter(f"no limits of a recording: {self}")

    def obstacles(self, name: str, *, agreement: float | None, snr_db: float) -> Iterator[str]:
        """Sentences for the person who records, the gravest first; ``name``: of the recording."""
        if agreement is not None and agreement < self.agreement:
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
