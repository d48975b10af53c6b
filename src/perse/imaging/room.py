"""Room for pixels that others need not wait for."""

from __future__ import annotations

import math
import mmap
from typing import Final

import numpy as np

from perse.domain.samples import Pixels

LARGE_BYTES: Final = 8 * 1024 * 1024
_HUGE_PAGES: Final[int | None] = getattr(mmap, "MADV_HUGEPAGE", None)


def room_for(*shape: int) -> Pixels:
    """An array of uint8 that is to be filled.

    A large one is a mapping of its own. Its pages come when they are written, and by whom: by
    decoders and OpenCV, which let other threads run. NumPy asks the C library, which a server has
    overwrite what it hands out (``keep_memory_private``), and nobody else may run until that is
    done: 64 ms for the 120 MB of the largest picture, where a mapping takes 6 microseconds. Where
    the system has larger pages, they spare two thirds of what is left, too.
    """
    size_bytes = math.prod(shape)
    if size_bytes < LARGE_BYTES:
        return np.empty(shape, np.uint8)
    memory = mmap.mmap(-1, size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if _HUGE_PAGES is not None:
        memory.madvise(_HUGE_PAGES)
    return np.frombuffer(memory, np.uint8).reshape(shape)
