"""The likeliest samples of a search as it goes on."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Cosines = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """``numbers`` of samples and, falling, the ``ceilings`` that their cosines are not above.
    ``rest``: that of all other samples that could reach the floor; minus infinity where there are
    none."""

    numbers: Numbers
    ceilings: Cosines
    rest: float


class Leaders:
    """Keeps about ``most`` samples, those with the highest ceilings.

    ``floor``: a sample whose cosine does not reach it need not be told; it rises as better ones
    are heard of.
    """

    def __init__(self, floor: float, most: int) -> None:
        self.floor = floor
        self._most = most
        self._rest = -inf
        self._numbers: list[Numbers] = []
        self._ceilings: list[Cosines] = []
        self._count = 0

    def hear(self, numbers: Numbers, ceilings: Cosines) -> None:
        self._numbers.append(numbers)
        self._ceilings.append(ceilings)
        self._count += len(numbers)
        if self._count > 2 * self._most:
            self._drop()

    def found(self) -> Found:
        numbers = np.concatenate([np.empty(0, np.int64), *self._numbers])
        ceilings = np.concatenate([np.empty(0), *self._ceilings])
        falling = np.argsort(-ceilings, kind="stable")
        return Found(numbers[falling], ceilings[falling], self._rest)

    def _drop(self) -> None:
        """All but the leading ones: from now on, whoever does not reach the last of them is left
        out unheard."""
        numbers, ceilings = np.concatenate(self._numbers), np.concatenate(self._ceilings)
        kept = np.argpartition(-ceilings, self._most - 1)[: self._most]
        self._numbers, self._ceilings, self._count = [numbers[kept]], [ceilings[kept]], self._most
        self.floor = self._rest = float(ceilings[kept].min())
