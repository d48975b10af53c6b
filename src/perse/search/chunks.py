"""Memory for templates: taken in pieces, left out of core dumps, zeroed before it is given back."""

from __future__ import annotations

import mmap
import weakref
from contextlib import suppress
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

    def __init__(self, rows: int, codes_each: int, *, large_pages: bool = False) -> None:
        """``large_pages``: for memory that is soon full, which is read faster then."""
        pages = _pages(rows * codes_each)
        if large_pages and hasattr(mmap, "MADV_HUGEPAGE"):  # Linux
            with suppress(OSError):  # a kernel without them
                pages.madvise(mmap.MADV_HUGEPAGE)
        self.codes: Codes = np.frombuffer(pages, np.int8).reshape(rows, codes_each)
        # Rows from ``used`` on hold no number, and are never read.
        self.numbers: Numbers = np.frombuffer(_pages(rows * np.int64().itemsize), np.int64)
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


def _pages(size_bytes: int) -> mmap.mmap:
    """Memory that is there when it is written to, and in no core dump."""
    pages = mmap.mmap(-1, size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_DONTDUMP"):  # Linux
        pages.madvise(mmap.MADV_DONTDUMP)
    return pages
