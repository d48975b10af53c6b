"""How often a face counts as completely inside the picture, by how much of it is cut away.

    python benchmarks/border_rule.py --weights FILE.onnx [--data ../shared/data]

Each portrait is cut at each side through its face's box (0 = exactly at the box, 0.2 = a fifth of
the face gone, negative = that much room left), and cut to its box times some tightness, enlarged:
a selfie that fills the frame. The box is that found on the uncut portrait.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

from benchmarks.face_detection import Portrait, filling, found_faces, opened, overlap
from perse.domain.border_rule import wholly_inside
from perse.domain.geometry import Box
from perse.domain.samples import FaceImage, Pixels
from perse.pipelines.face_search import MultiScaleDetector

SHARES = (-0.1, -0.05, 0.0, 0.04, 0.08, 0.12, 0.16, 0.2, 0.3, 0.4, 0.5, 0.6)
TIGHTNESS = (1.2, 1.1, 1.0, 0.9, 0.8)
SIDES = ("left", "right", "top", "bottom")


def cut(pixels: Pixels, box: Box, side: str, share: float) -> tuple[Pixels, Box] | None:
    """The portrait without what lies beyond ``share`` of the box, and the box in it."""
    height, width = pixels.shape[:2]
    left = round(box.left + share * box.width) if side == "left" else 0
    right = round(box.right - share * box.width) if side == "right" else width
    top = round(box.top + share * box.height) if side == "top" else 0
    bottom = round(box.bottom - share * box.height) if side == "bottom" else height
    if min(left, top) < 0 or right > width or bottom > height:
        return None
    part = np.ascontiguousarray(pixels[top:bottom, left:right])
    return part, Box(box.left - left, box.top - top, box.width, box.height)


def counts(detector: MultiScaleDetector, pixels: Pixels, wanted: Box) -> bool:
    height, width = pixels.shape[:2]
    faces = [f for f in detector.detect(FaceImage(pixels)) if overlap(f.box, wanted) > 0.25]
    best = max(faces, key=lambda face: overlap(face.box, wanted), default=None)
    return best is not None and wholly_inside(best, width_px=width, height_px=height)


def cuts(detector: MultiScaleDetector, portraits: list[Portrait]) -> None:
    answers: dict[tuple[str, float], list[bool]] = defaultdict(list)
    for portrait in portraits:
        for side in SIDES:
            for share in SHARES:
                part = cut(portrait.pixels, portrait.known_face, side, share)
                if part:
                    answers[side, share].append(counts(detector, *part))
    for side in SIDES:
        row = [f"{share:g}: {100 * np.mean(answers[side, share]):.1f} %" for share in SHARES]
        print(f"cut at {side}: {', '.join(row)} of {len(answers[side, 0.0])}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--every", type=int, default=8, help="use each n-th portrait only")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    detector = opened(given.weights)
    portraits = [
        portrait
        for portrait in found_faces(detector, given.data / "faces_dev", given.every, centred=True)
        if portrait.face
    ]
    whole = [counts(detector, portrait.pixels, portrait.known_face) for portrait in portraits]
    print(f"uncut: {100 * np.mean(whole):.1f} % of {len(whole)} count")
    for tightness in TIGHTNESS:
        inside = [counts(detector, *filling(p, tightness, 1200)) for p in portraits]
        print(f"frame = {tightness} x face box: {100 * np.mean(inside):.1f} % count")
    cuts(detector, portraits)


if __name__ == "__main__":
    main()
