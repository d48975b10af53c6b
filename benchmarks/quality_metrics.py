"""Time of the quality metrics of one face and its picture, on one thread.

    .venv/bin/python -m benchmarks.quality_metrics

The picture is a portrait of the tests enlarged to 1080 x 1320 and decoded beforehand. The face is
cut from the picture halved, as the search leaves it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2
import numpy as np

from perse.domain.geometry import Landmarks
from perse.domain.quality import FACE_SIZE_PX, IMAGE_SIZE_PX
from perse.domain.samples import FaceImage
from perse.imaging.light import luma, luminance
from perse.imaging.quality import face_metrics, image_metrics
from perse.imaging.sharpness import sharpness_of_parts
from perse.media.face_crop import crop_face, resize_image
from tests.media.faces import portrait

WIDTH_PX, HEIGHT_PX = 1080, 1320
ROUNDS = 200


def main() -> None:
    cv2.setNumThreads(1)
    image, found = portrait("obama_2012.jpg")
    enlarged = cv2.resize(image.pixels, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_CUBIC)
    pixels = np.asarray(enlarged, np.uint8)
    stretch = (WIDTH_PX / image.width_px, HEIGHT_PX / image.height_px)
    landmarks = Landmarks((found.points * stretch).astype(np.float32))
    seen = FaceImage(pixels)
    small, crop = resize_image(seen, IMAGE_SIZE_PX), crop_face(seen, landmarks, FACE_SIZE_PX)
    steps = {
        "shrink the picture": lambda: resize_image(FaceImage(pixels), IMAGE_SIZE_PX),
        "cut the face": lambda: crop_face(seen, landmarks, FACE_SIZE_PX),
        "metrics of the picture": lambda: image_metrics(small, grey=False),
        "  its luminance": lambda: luminance(small),
        "  its sharpness": lambda: sharpness_of_parts(luma(small)),
        "metrics of the face": lambda: face_metrics(crop, grey=False, rotation=0.0),
    }
    total = 0.0
    for name, step in steps.items():
        took = median_ms(step)
        total += 0.0 if name.startswith(" ") else took
        print(f"{name:26} {took:6.3f} ms")
    print(f"{'together':26} {total:6.3f} ms")


def median_ms(step: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        step()
        taken.append(time.perf_counter() - started)
    return float(np.median(taken)) * 1000


if __name__ == "__main__":
    main()
