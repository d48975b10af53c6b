"""Whether this processor computes 8-bit networks exactly.

Processors without dot products of 8-bit integers (AVX512-VNNI, AVX-VNNI, AMX; on ARM all are exact)
add pairs of products in 16 bits, where large ones are cut off: there a network in 8-bit integers
answers something else. No list of processors and flags tells as surely which way the runtime takes
as a sum that has to be cut off: this module lets it compute one.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from perse.networks.session import open_session

# x (16 x 64, unsigned) times a 64 x 32 matrix that is 127 everywhere, as rows of 32-bit sums. The
# test beside it says how it is made.
PROBE: Final = Path(__file__).with_name("exact_integers.onnx")
ROWS, LENGTH, COLUMNS, WEIGHT = 16, 64, 32, 127


@cache
def integers_are_exact() -> bool:
    """Takes a few milliseconds, once a process. Raises NetworkUnusable where nothing runs."""
    session = open_session(PROBE)
    largest = np.full((ROWS, LENGTH), 255, np.uint8)
    (sums,) = session.run({session.input_names[0]: largest})
    return bool((sums == 255 * WEIGHT * LENGTH).all())
