"""How often two pictures of one person fail to match as one of them gets blurred.

    python training/sharpness/validate.py

People of faces_dev with two or more pictures; FNMR at the cosine of FMR 1e-4, by sharpness.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from blurs import ALL, apply
from measure import EMBEDDER, SHARED, embed, locate

from perse.domain.quality import FACE_SIZE_PX
from perse.domain.samples import FaceImage
from perse.imaging.light import luma
from perse.imaging.quality import FACE_REGION
from perse.imaging.sharpness import sharpness
from perse.media.face_crop import crop_face
from perse.media.image_decoder import decode_image

COSINE_AT_FMR_1E4 = 0.403


def main() -> None:
    cv2.setNumThreads(1)
    rng = np.random.default_rng(1)
    rows = []
    for folder in sorted((SHARED / "data/faces_dev").iterdir()):
        files = sorted(folder.glob("*.jpg"))
        if len(files) < 2:
            continue
        first, second = (decode_image(file.read_bytes()) for file in files[:2])
        reference = locate(first)
        landmarks = locate(second)
        if reference is None or landmarks is None:
            continue
        template = embed(EMBEDDER, first.pixels, reference)
        for loss in (None, *(loss for loss in ALL if loss.kind != "jpeg")):
            pixels = second.pixels
            if loss is not None:
                pixels = apply(pixels, loss, landmarks.inter_eye_distance_px(), rng)
            value = sharpness(
                luma(crop_face(FaceImage(pixels), landmarks, FACE_SIZE_PX)), FACE_REGION
            )
            rows.append((value, float(template @ embed(EMBEDDER, pixels, landmarks))))
    show(np.array(rows))


def show(table: np.ndarray) -> None:
    edges = (0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9, 1.01)
    for low, high in pairwise(edges):
        cosines = table[(table[:, 0] >= low) & (table[:, 0] < high), 1]
        missed = float((cosines < COSINE_AT_FMR_1E4).mean())
        print(f"{low:.2f}..{high:.2f}: {len(cosines)} pairs, FNMR at 1e-4 {missed:.1%}")


if __name__ == "__main__":
    main()
