"""Raw scores of every detector for the same sightings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from bank import Bank
from numpy.typing import NDArray

from perse.networks.session import Session, open_session

BATCH = 64
TEACHERS = "teachers"
MINIFAS = "minifas_97.80"
OURS = "perse_pad"
PAIR = "both"
COMPANION_WEIGHT = (
    0.3  # of minifas beside perse_pad; chosen on calibration people, flat from 0.2 to 0.5
)


def logits_of(session: Session, crops: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The shipped file's log odds, n values."""
    parts = []
    for start in range(0, len(crops), BATCH):
        batch = crops[start : start + BATCH].transpose(0, 3, 1, 2).astype(np.float32) / 255
        parts.append(session.run({"input": np.ascontiguousarray(batch)})[0][:, 0])
    return np.concatenate(parts).astype(np.float64)


def teachers_of(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log odds of the mean of both teachers' probabilities."""
    chance = (1 / (1 + np.exp(-np.clip(logits[:, 1:3], -30, 30)))).mean(axis=1)
    chance = np.clip(chance, 1e-9, 1 - 1e-9)
    return np.log(chance / (1 - chance))


def raw_scores(bank: Bank, network: Path) -> dict[str, NDArray[np.float64]]:
    own = logits_of(open_session(network), bank.crops)
    return {
        OURS: own,
        MINIFAS: bank.logits[:, 0],
        PAIR: own + COMPANION_WEIGHT * bank.logits[:, 0],
        TEACHERS: teachers_of(bank.logits),
    }
