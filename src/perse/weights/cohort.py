"""What many people's voices have in common, as it ships with perse for CAM++.

Written by ``training/voice/fit_campplus.py`` and ``fit_crowd.py``.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from perse.weights.store import PACKAGED


@lru_cache(maxsize=1)
def shipped_cohort() -> NDArray[np.float32]:
    """As ``without_common`` of networks/campplus takes it, read-only."""
    return _read("campplus_cohort.npy")


@lru_cache(maxsize=1)
def shipped_crowd() -> NDArray[np.float32]:
    """As ``crowding`` of networks/campplus takes it, read-only."""
    return _read("campplus_crowd.npy")


def _read(name: str) -> NDArray[np.float32]:
    values: NDArray[np.float32] = np.load(PACKAGED / name, allow_pickle=False)
    values.flags.writeable = False
    return values
