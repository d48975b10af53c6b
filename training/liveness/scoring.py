"""Raw scores of our detector and of its teacher for the same sightings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from bank import Bank
from numpy.typing import NDArray

from perse.networks.session import Session, open_session

BATCH = 64
OURS, TEACHER = "perse_pad", "fr_liveness"


def logits_of(session: Session, crops: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The shipped file's log odds, n values."""
    parts = []
    for start in range(0, len(crops), BATCH):
        batch = crops[start : start + BATCH].transpose(0, 3, 1, 2).astype(np.float32) / 255
        parts.append(session.run({"input": np.ascontiguousarray(batch)})[0][:, 0])
    return np.concatenate(parts).astype(np.float64)


def raw_scores(bank: Bank, network: Path) -> dict[str, NDArray[np.float64]]:
    return {
        OURS: logits_of(open_session(network), bank.crops),
        TEACHER: bank.log_odds.astype(np.float64),
    }
