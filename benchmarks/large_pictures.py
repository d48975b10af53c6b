"""What a photograph of a telephone costs, and what changes where it is read at half its resolution.

    .venv/bin/python -m benchmarks.large_pictures [FOLDER] [--most 60]

Portraits, the samples' or those of FOLDER, are enlarged to 4032 pixels and saved as ordinary JPEGs.
Each is given as a file, which is read at less until somebody looks closely, and as all its pixels.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import simplejpeg

from perse import Engine, open_engine
from perse.domain.faces import FaceDetection
from perse.errors import NoFaceDetected
from tests.media.pictures import PORTRAITS

LONGER_SIDE_PX, QUALITY = 4032, 90
GAPS = ("liveness", "sharpness", "rotation, degrees", "box, px")
Result = TypeVar("Result")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=PORTRAITS)
    parser.add_argument("--most", type=int, default=60)
    given = parser.parse_args()
    pictures = [enlarged(path) for path in sorted(given.folder.rglob("*.jp*g"))[: given.most]]
    with tempfile.TemporaryDirectory() as folder, open_engine(data_dir=Path(folder)) as engine:
        rows = [row for picture in pictures if (row := compared(engine, picture))]
    print(f"{len(rows)} of {len(pictures)} pictures of {LONGER_SIDE_PX} px with one face both ways")
    cosines, gaps, times = (np.array(part) for part in zip(*rows, strict=True))
    print(f"cosine of the templates: mean {cosines.mean():.4f}, least {cosines.min():.4f}")
    for name, gap in zip(GAPS, gaps.T, strict=True):
        print(f"{name:18} differs by {gap.mean():.4f} on average, {gap.max():.4f} at most")
    read, whole = np.median(times, axis=0) * 1000
    print(f"processor time of detect: {read:.0f} ms of the file, {whole:.0f} ms decoded in full")


def enlarged(path: Path) -> bytes:
    pixels = simplejpeg.decode_jpeg(path.read_bytes(), "RGB")
    factor = LONGER_SIDE_PX / max(pixels.shape[:2])
    height, width = (round(side * factor / 2) * 2 for side in pixels.shape[:2])
    large = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_CUBIC)
    return bytes(simplejpeg.encode_jpeg(large, quality=QUALITY, colorsubsampling="420"))


def compared(
    engine: Engine, picture: bytes
) -> tuple[float, tuple[float, ...], tuple[float, float]] | None:
    read, read_s = timed(lambda: engine.detect(picture))
    whole, whole_s = timed(lambda: engine.detect(simplejpeg.decode_jpeg(picture, "RGB")))
    if len(read.faces) != 1 or len(whole.faces) != 1:
        return None
    try:
        one = engine.face_template(picture)
        other = engine.face_template(simplejpeg.decode_jpeg(picture, "RGB"))
    except NoFaceDetected:
        return None
    return one.cosine(other), gaps_between(read, whole), (read_s, whole_s)


def gaps_between(read: FaceDetection, whole: FaceDetection) -> tuple[float, ...]:
    (one,), (other,) = read.faces, whole.faces
    pads = [face.pad.value if face.pad else 0.0 for face in (one, other)]
    boxes = [(face.face.box.left, face.face.box.top, face.face.box.width) for face in (one, other)]
    return (
        abs(pads[0] - pads[1]),
        abs(one.metrics.sharpness - other.metrics.sharpness),
        abs(one.metrics.rotation - other.metrics.rotation),
        float(np.abs(np.subtract(boxes[0], boxes[1])).max()),
    )


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    started = time.process_time()
    return work(), time.process_time() - started


if __name__ == "__main__":
    main()
