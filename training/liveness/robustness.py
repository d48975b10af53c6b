"""What light, size and coding do to the decisions, and what happens when a shortcut is taken away.

    python robustness.py --data D --models M --network NET.onnx --calibration C.json --out F

Test people only. Every condition changes live faces and printed photographs alike.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from camera import Picture, exposed, noisy, saturated, smeared, squeeze, through_size
from framing import Finder, Sighting, mirrored, read_rgb
from material import evaluated, generator
from numpy.typing import NDArray
from scoring import OURS, TEACHER, logits_of
from splits import portrait_part, webcam_parts
from statistics_of_attacks import area_under_curve
from surroundings import plain_scene
from teacher import Teacher

from perse.domain.geometry import Box
from perse.domain.samples import FaceImage
from perse.networks.face_rectangle import face_rectangle
from perse.networks.perse_pad import SCALE, SIZE_PX
from perse.networks.session import open_session

Change = Callable[[Sighting], Sighting]


def _on_picture(change: Callable[[Picture], Picture]) -> Change:
    return lambda seen: Sighting(np.ascontiguousarray(change(seen.picture)), seen.box)


def _face_only(seen: Sighting) -> Sighting:
    """Everything outside the box is grey."""
    box, out = seen.box, np.full_like(seen.picture, 127)
    rows = slice(max(0, int(box.top)), int(box.bottom))
    columns = slice(max(0, int(box.left)), int(box.right))
    out[rows, columns] = seen.picture[rows, columns]
    return Sighting(out, box)


def _cropped_to(share: float) -> Change:
    """The picture ends ``share`` of the longer box side from the middle of the box."""

    def change(seen: Sighting) -> Sighting:
        reach = seen.box.longer_side * share
        x, y = seen.box.centre
        left, top = max(0, round(x - reach)), max(0, round(y - reach))
        part = seen.picture[top : round(y + reach), left : round(x + reach)]
        box = seen.box
        return Sighting(part, Box(box.left - left, box.top - top, box.width, box.height))

    return change


def _elsewhere(seen: Sighting) -> Sighting:
    """A drawn background outside 1.25 times the box."""
    rng = generator(1, "background", *map(str, seen.picture.shape), f"{seen.box.left:.1f}")
    height, width = seen.picture.shape[:2]
    mask = np.zeros((height, width), np.float32)
    x, y = seen.box.centre
    axes = (round(seen.box.width * 0.72), round(seen.box.height * 0.72))
    cv2.ellipse(mask, (round(x), round(y)), axes, 0, 0, 360, 1.0, -1)
    share = cv2.GaussianBlur(mask, (0, 0), max(1.0, seen.box.width * 0.03))[..., None]
    behind = cv2.resize(plain_scene(rng), (width, height))
    return Sighting((seen.picture * share + behind * (1 - share)).astype(np.uint8), seen.box)


def _other_box(scale: float, shift: float) -> Change:
    """Another detector's habit: the box ``scale`` times as large, moved down by a share of it."""

    def change(seen: Sighting) -> Sighting:
        box = seen.box
        width, height = box.width * scale, box.height * scale
        x, y = box.centre
        return Sighting(
            seen.picture, Box(x - width / 2, y - height / 2 + shift * height, width, height)
        )

    return change


def _small_face(side_px: int) -> Change:
    """The whole picture shrunk until the longer box side has ``side_px``."""

    def change(seen: Sighting) -> Sighting:
        share = min(1.0, side_px / seen.box.longer_side)
        small = cv2.resize(seen.picture, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        box = seen.box
        return Sighting(
            np.asarray(small, np.uint8),
            Box(box.left * share, box.top * share, box.width * share, box.height * share),
        )

    return change


def _blurred(picture: Picture) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.5), np.uint8)


TIGHTNESS = (1.0, 0.9, 0.8, 0.7, 0.6)
CONDITIONS: dict[str, Change] = {
    "as it is": lambda seen: seen,
    "JPEG 95": _on_picture(lambda p: squeeze(p, 95)),
    "JPEG 70": _on_picture(lambda p: squeeze(p, 70)),
    "JPEG 50": _on_picture(lambda p: squeeze(p, 50)),
    "JPEG 30": _on_picture(lambda p: squeeze(p, 30)),
    "half the size and back": _on_picture(lambda p: through_size(p, 0.5)),
    "a third of the size and back": _on_picture(lambda p: through_size(p, 0.33)),
    "face 64 px": _small_face(64),
    "face 48 px": _small_face(48),
    "blur, sigma 1.5 px": _on_picture(_blurred),
    "motion, 7 px": _on_picture(lambda p: smeared(p, 7, 20)),
    "noise, sigma 6": _on_picture(lambda p: noisy(p, 6, np.random.default_rng(1))),
    "light x 0.5": _on_picture(lambda p: exposed(p, 0.5)),
    "light x 0.7": _on_picture(lambda p: exposed(p, 0.7)),
    "light x 1.3": _on_picture(lambda p: exposed(p, 1.3)),
    "gamma 0.6": _on_picture(lambda p: exposed(p, 1.0, 0.6)),
    "gamma 1.6": _on_picture(lambda p: exposed(p, 1.0, 1.6)),
    "grey": _on_picture(lambda p: saturated(p, 0.0)),
    "mirrored": mirrored,
    "box x 0.85": _other_box(0.85, 0),
    "box x 1.2": _other_box(1.2, 0),
    "box moved down 10 %": _other_box(1.0, 0.1),
    **{f"picture ends at {share} of the box": _cropped_to(share) for share in TIGHTNESS},
    "ablation: only the box, rest grey": _face_only,
    "ablation: drawn background": _elsewhere,
}


def test_sightings(
    data: Path, finder: Finder, every: int, rotation: int | None
) -> dict[str, list[Sighting]]:
    """Groups: press live, webcam live, printed photograph."""
    found = evaluated(data)
    webcam = webcam_parts((s.person for s in found if s.origin == "webcam"), rotation)
    groups: dict[str, list[Sighting]] = {
        "press": [],
        "webcam": [],
        "printed_photograph": [],
    }
    for number, source in enumerate(found):
        part = (
            portrait_part(source.path, source.person)
            if source.origin == "press"
            else webcam[source.person]
        )
        if part != "test" or number % every:
            continue
        seen = finder.largest(read_rgb(data / source.path))
        if seen is not None:
            group = source.origin if source.species == "live" else source.species
            groups[group].append(seen)
    return groups


def raw_of(
    seen: list[Sighting], network: Path, teacher: Teacher | None
) -> dict[str, NDArray[np.float64]]:
    crops = [
        face_rectangle(FaceImage(s.picture), s.box, scale=SCALE, size_px=SIZE_PX) for s in seen
    ]
    raw = {OURS: logits_of(open_session(network), np.stack(crops))}
    if teacher is not None:
        raw[TEACHER] = np.array([teacher(crop).log_odds for crop in crops], np.float64)
    return raw


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--models", type=Path, default=Path("../shared/models"))
    parser.add_argument("--network", type=Path, required=True)
    parser.add_argument("--calibration", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--only", default="", help="conditions with this in their name")
    parser.add_argument("--rotation", type=int, choices=(0, 1, 2))
    parser.add_argument("--teacher", type=Path, help="fr_liveness.onnx: judged too")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    cuts = {n: e["raw"] for n, e in json.loads(options.calibration.read_text()).items()}
    teacher = Teacher(options.teacher) if options.teacher else None
    groups = test_sightings(
        options.data,
        Finder(options.models / "yunet_n_dynamic.onnx"),
        options.every,
        options.rotation,
    )
    report: dict[str, dict[str, dict[str, float]]] = {}
    for condition, change in CONDITIONS.items():
        if options.only not in condition:
            continue
        raw = {
            g: raw_of([change(s) for s in seen], options.network, teacher)
            for g, seen in groups.items()
        }
        report[condition] = {}
        for name in raw["press"]:
            press, webcam, printed = (raw[g][name] for g in groups)
            figures = {
                "BPCER press": float((press < cuts[name]).mean()),
                "BPCER webcam": float((webcam < cuts[name]).mean()),
                "APCER printed": float((printed >= cuts[name]).mean()),
                "AUC webcam against printed": area_under_curve(webcam, printed),
            }
            report[condition][name] = figures
            shown = "  ".join(f"{k} {v:.4f}" for k, v in figures.items())
            print(f"{condition:36s} {name:13s} {shown}", flush=True)
    sizes = {group: len(seen) for group, seen in groups.items()}
    options.out.write_text(json.dumps({"sizes": sizes, "conditions": report}, indent=1))


if __name__ == "__main__":
    main()
