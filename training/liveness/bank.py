"""Reading what prepare.py wrote."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from splits import Part, press_part, webcam_parts


@dataclass(frozen=True, slots=True)
class Bank:
    """n crops (uint8, n x side x side x 3, RGB) and what is known of each.

    ``species``: "live", "printed_photograph", "simulated_..."; with ":not_found" where no face was.
    ``logits``: n x 3 log odds of the judges, NaN where not asked.
    """

    crops: NDArray[np.uint8]
    species: NDArray[np.str_]
    origin: NDArray[np.str_]
    person: NDArray[np.str_]
    path: NDArray[np.str_]
    logits: NDArray[np.float64]

    def only(self, chosen: NDArray[np.bool_]) -> Bank:
        return Bank(
            self.crops[chosen],
            self.species[chosen],
            self.origin[chosen],
            self.person[chosen],
            self.path[chosen],
            self.logits[chosen],
        )

    def part(self, rotation: int | None) -> NDArray[np.str_]:
        """train, calibrate or test for every crop."""
        webcam = webcam_parts(self.person[self.origin == "webcam"].tolist(), rotation)
        parts: list[Part] = [
            press_part(person) if origin == "press" else webcam[person]
            for person, origin in zip(self.person.tolist(), self.origin.tolist(), strict=True)
        ]
        return np.array(parts)


def read(folder: Path, name: str) -> Bank:
    """All shards of ``name`` ("training" or "evaluation"), in the order of their file names."""
    records, crops = [], []
    for path in sorted(folder.glob(f"{name}-*.json")):
        records += json.loads(path.read_text())
        crops.append(np.load(path.with_suffix(".npy")))
    if not records:
        raise FileNotFoundError(f"{folder} holds no {name} crops: run prepare.py")
    return Bank(
        np.concatenate(crops),
        np.array([r["species"] for r in records]),
        np.array([r["source"]["origin"] for r in records]),
        np.array([r["source"]["person"] for r in records]),
        np.array([r["source"]["path"] for r in records]),
        np.array([r["logits"] or [np.nan] * 3 for r in records], np.float64),
    )
