"""Where a decision comes from: covered patch by patch, how far does the logit move.

    python saliency.py --cache CACHE --network NET.onnx --out FOLDER

The pictures show real people: look at them, never publish them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from bank import read
from numpy.typing import NDArray
from scoring import logits_of

from perse.networks.session import Session, open_session

PATCH_PX, STEP_PX = 24, 8


def influence(session: Session, crop: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Change of the logit (covered minus whole) for each place, painted over the crop's size."""
    side = crop.shape[0]
    places = [(y, x) for y in range(0, side, STEP_PX) for x in range(0, side, STEP_PX)]
    mean = crop.mean(axis=(0, 1)).astype(np.uint8)
    covered = np.repeat(crop[None], len(places) + 1, axis=0)
    half = PATCH_PX // 2
    for row, (y, x) in enumerate(places):
        covered[row, max(0, y - half) : y + half, max(0, x - half) : x + half] = mean
    logits = logits_of(session, covered)
    grid = (logits[:-1] - logits[-1]).reshape(side // STEP_PX, side // STEP_PX)
    return cv2.resize(grid, (side, side), interpolation=cv2.INTER_LINEAR)


def picture(crop: NDArray[np.uint8], moved: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Crop and map side by side; red: looks more alive when covered, blue: less."""
    scale = max(1.0, float(np.abs(moved).max()))
    tint = np.zeros_like(crop)
    tint[..., 0] = np.clip(moved / scale, 0, 1) * 255
    tint[..., 2] = np.clip(-moved / scale, 0, 1) * 255
    mixed = (crop * 0.45 + tint * 0.55).astype(np.uint8)
    return np.hstack((crop, mixed))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--network", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--each", type=int, default=6)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    bank = read(options.cache, "evaluation")
    bank = bank.only(bank.part(None) == "test")
    session = open_session(options.network)
    share: dict[str, list[float]] = {}
    for origin in ("press", "webcam"):
        for species in sorted(set(bank.species[bank.origin == origin].tolist())):
            rows = np.flatnonzero((bank.origin == origin) & (bank.species == species))
            if species.endswith("not_found"):
                continue
            shown = []
            for row in rows[:: max(1, len(rows) // options.each)][: options.each]:
                moved = influence(session, bank.crops[row])
                inner = np.abs(moved[24:104, 24:104]).sum() / max(1e-9, np.abs(moved).sum())
                share.setdefault(f"{origin} {species}", []).append(float(inner))
                shown.append(picture(bank.crops[row], moved))
            sheet = np.vstack(shown)[..., ::-1]
            cv2.imwrite(str(options.out / f"{origin}_{species}.png"), sheet)
    for name, shares in share.items():
        print(f"{name}: {np.mean(shares):.2f} of the influence lies within the middle 80 x 80")


if __name__ == "__main__":
    main()
