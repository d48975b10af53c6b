"""What prepare.py writes and the others read: crops, and what is known and said of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from splits import Part, portrait_part, webcam_parts

MAP_PX, MAP_CHANNELS, EMBEDDING = 8, 128, 128


@dataclass(frozen=True, slots=True)
class Bank:
    """n crops (uint8, n x side x side x 3, RGB) and what is known of each.

    ``species``: "live", "printed_photograph", "mixed", "simulated_..."; "live:not_found" and the
    like where no face was.
    ``second``: the other webcam person on a mixed crop, else "".
    ``log_odds``: n values, the teacher's; NaN where no face was.
    ``embeddings``: n x 128, ``maps``: n x 2 x 128 x 8 x 8: the teacher's inner values; empty (0
    rows) in a bank for evaluation.
    """

    crops: NDArray[np.uint8]
    species: NDArray[np.str_]
    origin: NDArray[np.str_]
    person: NDArray[np.str_]
    second: NDArray[np.str_]
    path: NDArray[np.str_]
    log_odds: NDArray[np.float32]
    embeddings: NDArray[np.float16]
    maps: NDArray[np.float16]

    def only(self, chosen: NDArray[np.bool_]) -> Bank:
        values = (getattr(self, field.name) for field in fields(self))
        return Bank(*(value[chosen] if len(value) else value for value in values))

    def part(self, rotation: int | None) -> NDArray[np.str_]:
        """train, calibrate or test for every crop; "mixed" belongs nowhere if its people do not."""
        webcam = webcam_parts(self.person[self.origin == "webcam"].tolist(), rotation)
        rows = np.stack((self.origin, self.path, self.person, self.second), axis=1).tolist()
        return np.array([_part_of(*row, webcam=webcam) for row in rows])


def _part_of(origin: str, path: str, person: str, second: str, *, webcam: dict[str, Part]) -> str:
    own = portrait_part(path, person) if origin == "press" else webcam[person]
    return own if not second or webcam.get(second) == own else "none"


def joined(banks: Sequence[Bank]) -> Bank:
    columns = ([getattr(bank, field.name) for bank in banks] for field in fields(Bank))
    return Bank(*(np.concatenate(column) for column in columns))


def write(bank: Bank, folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    columns = {field.name: getattr(bank, field.name) for field in fields(bank)}
    np.savez(folder / f"{name}.npz", **columns)


def read(folder: Path, name: str) -> Bank:
    """All shards of ``name`` ("training" or "evaluation"), in the order of their file names."""
    banks = []
    for path in sorted(folder.glob(f"{name}*.npz")):
        with np.load(path) as stored:
            banks.append(Bank(*(stored[field.name] for field in fields(Bank))))
    if not banks:
        raise FileNotFoundError(f"{folder} holds no {name} crops: run prepare.py")
    return joined(banks)
