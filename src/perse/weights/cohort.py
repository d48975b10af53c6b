"""What many people's voices have in common, as it ships with perse for CAM++.

Written by ``training/voice/fit_campplus.py``.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from perse.weights.store import PACKAGED


@lru_cache(maxsize=1)
def shipped_cohort() -> NDArray[np.float32]:
    """As ``without_common`` of networks/campplus takes it, read-only."""
    cohort: NDArray[np.float32] = np.load(PACKAGED / "campplus_cohort.npy", allow_pickle=False)
    cohort.flags.writeable = False
    return cohort
