"""Faces that lie or stand on their head, and what is no face: how often perse gets it right.

    python -m benchmarks.turned_pictures --pack standard --every 2 [--no-faces FOLDER ...]
    python -m benchmarks.turned_pictures --every 10 --only turned --search-alone    (as before)

The folder right below --faces is the person; faces_mated holds people whom the limits of the second
look were not chosen on. Everything goes through the pack's networks as the server wires them.
Weights come as they do for the server (PERSE_MODEL_MIRROR, --data-dir).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from benchmarks.face_detection import read
from perse.bootstrap.face_networks import FaceNetworks, open_face_networks
from perse.bootstrap.weights import obtain_networks
from perse.domain.decisions import OperatingPoint
from perse.domain.geometry import DetectedFace
from perse.domain.orientation import Righting, quarter_turns_of
from perse.domain.references import Template
from perse.domain.samples import FaceImage, Pixels
from perse.evaluation.sample_files import PICTURES, SampleFile, folder_per_person
from perse.pipelines.upright_search import UprightSearch
from perse.settings import load_settings

TURNS = range(4)
RATES = (1e-3, 1e-4)
# Mean distance of landmarks from the upright ones, in eye distances, up to which it is that face.
SAME_FACE = 0.15
LONGEST_PX = 1000


def as_it_is(pixels: Pixels, _: DetectedFace) -> Pixels:
    return pixels


def times(factor: float) -> Callable[[Pixels, DetectedFace], Pixels]:
    return lambda pixels, _: np.clip(pixels * factor, 0, 255).astype(np.uint8)


def blurred(pixels: Pixels, _: DetectedFace) -> Pixels:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), 3), np.uint8)


def grey(pixels: Pixels, _: DetectedFace) -> Pixels:
    return np.repeat(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)


def noisy(pixels: Pixels, _: DetectedFace) -> Pixels:
    noise = np.random.default_rng(0).normal(0, 20, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def coarse(pixels: Pixels, _: DetectedFace) -> Pixels:
    file = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 10])[1]
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR), np.uint8)


def masked(pixels: Pixels, face: DetectedFace) -> Pixels:
    """A pale disc over nose, mouth and chin."""
    points, eyes_px = face.landmarks.points, face.landmarks.inter_eye_distance_px()
    x, y = ((points[2] + points[3:].mean(axis=0)) / 2 + (0, 0.35 * eyes_px)).tolist()
    covered, axes = pixels.copy(), (int(0.85 * eyes_px), int(0.75 * eyes_px))
    cv2.ellipse(covered, (int(x), int(y)), axes, 0, 0, 360, (180, 200, 215), -1)
    return covered


def in_sunglasses(pixels: Pixels, face: DetectedFace) -> Pixels:
    eyes_px = face.landmarks.inter_eye_distance_px()
    eyes = [(int(x), int(y)) for x, y in face.landmarks.points[:2]]
    covered, axes = pixels.copy(), (int(0.38 * eyes_px), int(0.28 * eyes_px))
    for eye in eyes:
        cv2.ellipse(covered, eye, axes, 0, 0, 360, (15, 15, 15), -1)
    cv2.line(covered, eyes[0], eyes[1], (15, 15, 15), 3)
    return covered


def tilted(pixels: Pixels, _: DetectedFace) -> Pixels:
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -30, 1)
    reflected = cv2.BORDER_REFLECT_101
    return np.asarray(cv2.warpAffine(pixels, matrix, (width, height), borderMode=reflected))


TREATMENTS: Mapping[str, Callable[[Pixels, DetectedFace], Pixels]] = {
    "as they are": as_it_is,
    "light x 0.15": times(0.15),
    "light x 1.8": times(1.8),
    "blur, 3 px": blurred,
    "grey": grey,
    "noise, 20": noisy,
    "JPEG, 10": coarse,
    "mask": masked,
    "sunglasses": in_sunglasses,
    "tilted by 30": tilted,
}


@dataclass
class Turned:
    """What became of the pictures at one quarter turn; a template for each, None without a face."""

    templates: list[Template | None] = field(default_factory=list)
    standing: list[bool] = field(default_factory=list)
    ms: list[float] = field(default_factory=list)

    def line(self, turn: int) -> str:
        found = np.mean([template is not None for template in self.templates])
        return (
            f"turned by {90 * turn}: found {found:.2%} of {len(self.templates)}, as it stands "
            f"{np.mean(self.standing):.2%}, search {np.median(self.ms):.1f} ms"
        )


def central(faces: Sequence[DetectedFace], image: FaceImage) -> DetectedFace | None:
    middle = np.array((image.width_px, image.height_px)) / 2
    away = lambda face: float(np.hypot(*(np.array(face.box.centre) - middle)))  # noqa: E731
    return min(faces, key=away, default=None)


def clockwise(pixels: Pixels, turn: int) -> FaceImage:
    return FaceImage(np.ascontiguousarray(np.rot90(pixels, -turn)))


def all_turned(networks: FaceNetworks, files: Sequence[SampleFile]) -> list[Turned]:
    answers = [Turned() for _ in TURNS]
    for file in files:
        pixels = read(file.path)
        upright = central(networks.detector.detect(FaceImage(pixels)), FaceImage(pixels))
        for turn, answer in zip(TURNS, answers, strict=True):
            image = clockwise(pixels, turn)
            start = time.perf_counter()
            face = central(networks.detector.detect(image), image)
            answer.ms.append(1e3 * (time.perf_counter() - start))
            embed = networks.embedder.embed
            answer.templates.append(embed(image, face.landmarks) if face else None)
            expected = Righting.of(image, turn).as_sent(upright) if upright else None
            answer.standing.append(bool(face and expected and is_same(face, expected)))
    return answers


def is_same(face: DetectedFace, expected: DetectedFace) -> bool:
    gap = np.linalg.norm(face.landmarks.points - expected.landmarks.points, axis=1).mean()
    return bool(gap < SAME_FACE * expected.landmarks.inter_eye_distance_px())


def compared(
    one: Turned, other: Turned, people: Sequence[str], points: Sequence[OperatingPoint]
) -> str:
    """FNMR and FMR between pictures that were found at two turns, at the catalogue's thresholds."""
    width = next(len(template.vector) for template in one.templates if template)
    first, second = (
        np.stack([t.vector if t else np.full(width, np.nan) for t in side.templates])
        for side in (one, other)
    )
    cosines = first @ second.T
    _, person = np.unique(people, return_inverse=True)
    mated = person[:, None] == person
    apart = ~np.eye(len(person), dtype=bool) & np.isfinite(cosines)
    same, strangers = cosines[mated & apart], cosines[~mated & apart]
    rates = [
        f"at {point.fmr:.0e}: FNMR {np.mean(same < point.cosine):.2%}, "
        f"FMR {np.mean(strangers >= point.cosine):.1e}"
        for point in points
        if point.fmr in RATES
    ]
    return f"{len(same)} mated, {len(strangers)} non-mated; {'; '.join(rates)}"


def treated(networks: FaceNetworks, files: Sequence[SampleFile]) -> None:
    """How many faces found by the search alone are kept, upright, and how many are looked at."""
    search = networks.detector
    if not isinstance(search, UprightSearch):
        raise SystemExit("nobody has measured a second look for this detector")
    for name, treat in TREATMENTS.items():
        found = kept = wrong = asked = 0
        for file in files:
            pixels = read(file.path)
            known = central(search.search.detect(FaceImage(pixels)), FaceImage(pixels))
            image = FaceImage(np.ascontiguousarray(treat(pixels, known)) if known else pixels)
            before = central(search.search.detect(image), image)
            if known is None or before is None:
                continue
            found += 1
            asked += before.score < search.rule.clear_glance
            after = central(search.detect(image), image)
            kept += after is not None
            wrong += after is not None and quarter_turns_of(after.landmarks) != 0
        print(
            f"{name}: of {found} found, kept {kept}, turned wrongly {wrong}, "
            f"looked at again {asked}",
            flush=True,
        )


def without_faces(networks: FaceNetworks, folders: Sequence[Path]) -> None:
    search = networks.detector
    if not isinstance(search, UprightSearch):
        return
    for folder in folders:
        paths = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in PICTURES]
        at_once, confirmed = list[str](), list[str]()
        for path in paths:
            image = shrunk(read(path))
            at_once += [path.stem for _ in search.search.detect(image)]
            confirmed += [path.stem for _ in search.detect(image)]
        print(
            f"{folder.name}: {len(paths)} pictures without a face: {len(at_once)} faces by the "
            f"search alone, {len(confirmed)} confirmed: {', '.join(confirmed)}"
        )


def shrunk(pixels: Pixels) -> FaceImage:
    scale = min(1.0, LONGEST_PX / max(pixels.shape[:2]))
    smaller = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return FaceImage(np.asarray(smaller, np.uint8))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", choices=("standard", "compact"), default="standard")
    parser.add_argument("--faces", type=Path, default=Path("../shared/data/faces_mated"))
    parser.add_argument("--no-faces", type=Path, nargs="*", default=[Path("tests/samples/no_face")])
    parser.add_argument("--every", type=int, default=1, help="use each n-th person only")
    parser.add_argument("--data-dir", type=Path, help="where its weights are or will be")
    parser.add_argument("--search-alone", action="store_true", help="without the second look")
    parser.add_argument("--only", choices=("turned", "treated", "no-faces"))
    given = parser.parse_args()
    data_dir = given.data_dir or Path("data") / f"benchmark-{given.pack}"
    on_disk = obtain_networks(load_settings(pack=given.pack, data_dir=data_dir))
    networks = open_face_networks(on_disk, threads=1)
    if given.search_alone and isinstance(networks.detector, UprightSearch):
        networks = replace(networks, detector=networks.detector.search)
    files = list(folder_per_person(given.faces, PICTURES).files)
    chosen = set(sorted({file.person for file in files})[:: given.every])
    files = [file for file in files if file.person in chosen]
    if given.only in (None, "turned"):
        answers = all_turned(networks, files)
        for turn, answer in zip(TURNS, answers, strict=True):
            print(answer.line(turn))
        points = on_disk.cards["face_embedder"].operating_points
        people = [file.person for file in files]
        for turn, answer in zip(TURNS, answers, strict=True):
            for name, other in (("an upright", answers[0]), ("an equally turned", answer)):
                rates = compared(answer, other, people, points.points if points else ())
                print(f"turned by {90 * turn} against {name} one: {rates}", flush=True)
    if given.only in (None, "treated"):
        treated(networks, files)
    if given.only in (None, "no-faces"):
        without_faces(networks, given.no_faces)


if __name__ == "__main__":
    main()
