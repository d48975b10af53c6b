"""Memory for templates: taken in pieces, left out of core dumps, zeroed before it is given back."""

from __future__ import annotations

import mmap
import weakref
from typing import Final

import numpy as np
from numpy.typing import NDArray

from perse.search.quantised import Codes, Looseness, Vectors, quantise

NOBODY: Final = -1

Rows = NDArray[np.intp]
Numbers = NDArray[np.int64]


class Chunk:
    """Rows of codes, each with the number of its sample, or ``NOBODY``.

    The system gives the memory page by page, as it is written to. ``used``: no row from there on
    was ever written. ``looseness``: holds for every row written since the chunk was last empty.
    """

    def __init__(self, rows: int, values: int) -> None:
        private = mmap.mmap(-1, rows * values, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        if hasattr(mmap, "MADV_DONTDUMP"):  # Linux
            private.madvise(mmap.MADV_DONTDUMP)
        self.codes: Codes = np.frombuffer(private, np.int8).reshape(rows, values)
        # Not filled: rows from ``used`` on are never read, and those below have been written.
        self.numbers: Numbers = np.empty(rows, np.int64)
        self.used = 0
        self.looseness = Looseness()
        self._held = 0
        self.wipe = weakref.finalize(self, self.codes.fill, 0)

    def write(self, rows: Rows, numbers: Numbers, vectors: Vectors) -> None:
        """Into rows that hold nobody. At least one."""
        codes, looseness = quantise(vectors)
        self.looseness = self.looseness.with_(looseness) if self._held else looseness
        self.codes[rows], self.numbers[rows] = codes, numbers
        self._held += len(rows)
        self.used = max(self.used, int(rows.max()) + 1)

    def clear(self, rows: Rows) -> None:
        """Rows that hold somebody, each once."""
        self.codes[rows], self.numbers[rows] = 0, NOBODY
        self._held -= len(rows)
