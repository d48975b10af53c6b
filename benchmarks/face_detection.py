"""How many faces are found, how many are invented, and how long it takes.

    python benchmarks/face_detection.py --weights FILE.onnx [--data ../shared/data]

Portraits are searched as they are, cut tightly and enlarged (a selfie that fills the frame), and
shrunk into crowds; pictures without faces are generated here and read from --no-faces.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from perse.domain.geometry import Box, DetectedFace, Framing, overlap_with_each
from perse.domain.samples import FaceImage, ModelName, Pixels
from perse.networks.canvas import lay_out
from perse.networks.facemesh import eye_line_degrees
from perse.networks.session import open_session
from perse.networks.yunet import PLAN, YunetDetector
from perse.pipelines.face_search import MultiScaleDetector

CROWD_PX = 1600
FACES_PX = (16, 20, 24, 32, 48)
TILTED_FACES_PX = (50, 75, 105, 150, 190, 250)
TIGHTNESS = (1.2, 1.0, 0.9, 0.8)


@dataclass(frozen=True)
class Portrait:
    path: Path
    pixels: Pixels
    face: Box | None

    @property
    def known_face(self) -> Box:
        if self.face is None:
            raise ValueError(f"no face was found in {self.path.name}")
        return self.face


def read(path: Path) -> Pixels:
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB), np.uint8)


def central(faces: Sequence[DetectedFace], pixels: Pixels) -> DetectedFace | None:
    x, y = pixels.shape[1] / 2, pixels.shape[0] / 2
    around = [f for f in faces if f.box.left < x < f.box.right and f.box.top < y < f.box.bottom]
    return max(around, key=lambda face: face.box.area, default=None)


def overlap(box: Box, other: Box) -> float:
    first, second = (
        np.array([[b.left, b.top, b.right, b.bottom]], np.float32) for b in (box, other)
    )
    return float(overlap_with_each(first[0], second)[0])


def found_faces(
    detector: MultiScaleDetector, folder: Path, every: int, *, centred: bool
) -> list[Portrait]:
    """Each portrait with the box of its face: that around the middle, or the surest one."""
    found = []
    for path in sorted(folder.rglob("*.jpg"))[::every]:
        pixels = read(path)
        faces = detector.detect(FaceImage(pixels))
        face = central(faces, pixels) if centred else max(faces, key=_score, default=None)
        found.append(Portrait(path, pixels, face.box if face else None))
    return found


def _score(face: DetectedFace) -> float:
    return face.score


def report_found(name: str, found: Sequence[Portrait]) -> None:
    missed = [portrait.path.name for portrait in found if portrait.face is None]
    share = 100 * (1 - len(missed) / len(found))
    print(
        f"{name}: face found in {share:.2f} % of {len(found)}; "
        f"missed: {', '.join(missed[:8]) or 'none'}"
    )


def filling(portrait: Portrait, tightness: float, longer_px: int) -> tuple[Pixels, Box]:
    """The portrait cut to its face's box times ``tightness`` and enlarged."""
    box = portrait.known_face
    height, width = portrait.pixels.shape[:2]
    x, y = box.centre
    left, right = (round(x + s * box.width * tightness / 2) for s in (-1, 1))
    top, bottom = (round(y + s * box.height * tightness / 2) for s in (-1, 1))
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    cut = portrait.pixels[top:bottom, left:right]
    scale = longer_px / max(cut.shape[:2])
    large = cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return np.asarray(large, np.uint8), Box(
        (box.left - left) * scale, (box.top - top) * scale, box.width * scale, box.height * scale
    )


def frame_filling(detector: MultiScaleDetector, found: Sequence[Portrait]) -> None:
    for tightness in TIGHTNESS:
        hits = 0
        for portrait in found:
            pixels, wanted = filling(portrait, tightness, 1200)
            faces = detector.detect(FaceImage(pixels))
            hits += any(overlap(face.box, wanted) > 0.4 for face in faces)
        print(
            f"frame = {tightness} x face box, 1200 px: found in {100 * hits / len(found):.1f} % "
            f"of {len(found)}"
        )


def crowd(
    found: Sequence[Portrait], face_px: int, rng: np.random.Generator
) -> tuple[Pixels, list[tuple[float, float]]]:
    """A CROWD_PX square of portraits whose faces are ``face_px`` long, and their centres."""
    tile = round(face_px * 2.2)
    side = min(CROWD_PX // tile, 20)
    canvas = np.full((CROWD_PX, CROWD_PX, 3), 110, np.uint8)
    centres = []
    for row in range(side):
        for column in range(side):
            portrait = found[int(rng.integers(len(found)))]
            half = portrait.known_face.longer_side * 1.1
            x, y = portrait.known_face.centre
            head = cv2.getRectSubPix(portrait.pixels, (round(2 * half),) * 2, (x, y))
            place = np.s_[row * tile : (row + 1) * tile, column * tile : (column + 1) * tile]
            canvas[place] = cv2.resize(head, (tile, tile), interpolation=cv2.INTER_AREA)
            centres.append(((column + 0.5) * tile, (row + 0.5) * tile))
    return canvas, centres


def crowds(detector: MultiScaleDetector, found: Sequence[Portrait]) -> None:
    rng = np.random.default_rng(1)
    for face_px in FACES_PX:
        pixels, centres = crowd(found, face_px, rng)
        start = time.perf_counter()
        faces = detector.detect(FaceImage(pixels))
        spent_ms = 1e3 * (time.perf_counter() - start)
        middles = np.array([face.box.centre for face in faces]).reshape(-1, 1, 2)
        apart = np.linalg.norm(middles - np.array(centres), axis=2)
        hits = int((apart.min(axis=0, initial=np.inf) < face_px / 2).sum())
        print(
            f"crowd of {len(centres)} faces of {face_px} px in {CROWD_PX}x{CROWD_PX}: "
            f"{100 * hits / len(centres):.1f} % found, {len(faces) - hits} beside them, "
            f"{spent_ms:.0f} ms"
        )


def drawn(height: int, width: int, rng: np.random.Generator) -> Iterator[tuple[str, Pixels]]:
    """Noise, clouds, bricks, plaids, dots and random shapes: pictures without a face."""
    yield "noise", rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    y, x = np.mgrid[:height, :width]
    for period in (5, 23, 61):
        rough = rng.integers(0, 256, (height // period + 1, width // period + 1, 3), dtype=np.uint8)
        cloud = cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC)
        yield f"clouds {period}", np.asarray(cloud, np.uint8)
        waves = [np.sin(a / period) * 127 + 127 for a in (x, y, x + y)]
        yield f"plaid {period}", np.stack(waves, axis=-1).astype(np.uint8)
        joints = (y % period < 2) | ((x + y // period % 2 * period) % (2 * period) < 2)
        bricks = np.where(joints[..., None], (200, 200, 190), (150, 70, 50))
        rough_bricks = np.clip(bricks + rng.normal(0, 12, bricks.shape), 0, 255)
        yield f"bricks {period}", rough_bricks.astype(np.uint8)
        discs = (x % (2 * period) - period) ** 2 + (y % (2 * period) - period) ** 2
        dots = np.where(discs < period * period / 4, 30, 230)
        yield f"dots {period}", np.repeat(dots[..., None], 3, axis=2).astype(np.uint8)
    for index in range(8):
        yield f"shapes {index}", _shapes(height, width, rng)


def _shapes(height: int, width: int, rng: np.random.Generator) -> Pixels:
    canvas = np.full((height, width, 3), rng.integers(0, 256, 3), np.uint8)
    for _ in range(150):
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
        x, y, a, b = (int(v) for v in rng.integers((0, 0, 3, 3), (width, height, 120, 120)))
        match rng.integers(3):
            case 0:
                cv2.ellipse(canvas, (x, y), (a, b), int(rng.integers(180)), 0, 360, colour, -1)
            case 1:
                cv2.rectangle(canvas, (x, y), (x + a, y + b), colour, -1)
            case _:
                cv2.line(canvas, (x, y), (x + 4 * a - 200, y + 4 * b - 200), colour, 5)
    return canvas


def without_faces(detector: MultiScaleDetector, folder: Path) -> None:
    rng = np.random.default_rng(0)
    sizes = ((480, 640), (1320, 1080))
    pictures = [(f"{name} {w}x{h}", pixels) for h, w in sizes for name, pixels in drawn(h, w, rng)]
    pictures += [(path.name, read(path)) for path in sorted(folder.glob("*.*g"))]
    invented = []
    for name, pixels in pictures:
        faces = detector.detect(FaceImage(pixels))
        invented += [f"{name} {face.score:.2f} {face.box.longer_side:.0f} px" for face in faces]
    print(f"{len(pictures)} pictures without faces: {len(invented)} faces; {invented[:20]}")


def tilts(detector: MultiScaleDetector, found: Sequence[Portrait], degrees: float) -> None:
    """How much of a tilt the line of the eyes shows, by the length of the face on the canvas."""
    for face_px in TILTED_FACES_PX:
        shown = []
        for portrait in found:
            height, width = portrait.pixels.shape[:2]
            matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1)
            tilted = cv2.warpAffine(
                portrait.pixels, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101
            )
            scale = face_px / portrait.known_face.longer_side
            framing = Framing.whole(width, height, scale=scale)
            lines = [
                eye_line_degrees(face)
                for pixels in (portrait.pixels, np.asarray(tilted, np.uint8))
                if (face := central(detector.finder.find(FaceImage(pixels), framing), pixels))
            ]
            if len(lines) == 2:
                shown.append(lines[1] - lines[0])
        print(
            f"{len(shown)} faces {face_px} px long on the canvas, tilted by {degrees:.0f} degrees: "
            f"the eyes show {np.mean(shown):.0f} (standard deviation {np.std(shown):.0f})"
        )


def median_ms(work: Callable[[], object], times: int = 15) -> float:
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        spent.append(1e3 * (time.perf_counter() - start))
    return float(np.median(spent))


def times(detector: MultiScaleDetector, found: Sequence[Portrait]) -> None:
    """Milliseconds for the first portrait on a 1080x1320 picture, face 40 % of its height."""
    pixels = np.asarray(cv2.resize(found[0].pixels, (1080, 1320)), np.uint8)
    image = FaceImage(pixels)
    glance = detector.plan.glance(1080, 1320)
    before = median_ms(lambda: lay_out(FaceImage(pixels), glance, bgr=True))
    one_look = median_ms(lambda: detector.finder.find(image, glance))
    whole = median_ms(lambda: detector.detect(image))
    empty = FaceImage(np.full_like(pixels, 127))
    nothing = median_ms(lambda: detector.detect(empty), 5)
    floor = median_ms(lambda: detector.finder.find(image, Framing(0, 0, 32, 32, 1.0)))
    print(
        f"1080x1320 portrait: pre {before:.2f} ms, glance {one_look:.1f} ms (of it at least "
        f"{floor:.2f} ms beside the network), detect {whole:.1f} ms; "
        f"no face in it: {nothing:.0f} ms"
    )


def opened(weights: Path, threshold: float | None = None) -> MultiScaleDetector:
    options = {} if threshold is None else {"threshold": threshold}
    finder = YunetDetector(open_session(weights), ModelName("yunet"), **options)
    return MultiScaleDetector(finder, PLAN)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--no-faces", type=Path, default=Path("tests/samples/no_face"))
    parser.add_argument("--every", type=int, default=1, help="use each n-th portrait only")
    parser.add_argument("--threshold", type=float)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    detector = opened(given.weights, given.threshold)
    faces = found_faces(detector, given.data / "faces_dev", given.every, centred=True)
    report_found("faces_dev", faces)
    attacks = found_faces(detector, given.data / "pad_dev", given.every, centred=False)
    report_found("pad_dev", attacks)
    known = [portrait for portrait in faces if portrait.face is not None]
    frame_filling(detector, known[:: max(1, len(known) // 300)])
    crowds(detector, known)
    without_faces(detector, given.no_faces)
    tilts(detector, known[:: max(1, len(known) // 60)], 30)
    times(detector, known)


if __name__ == "__main__":
    main()
