"""How many honest pictures pass each quality threshold, and what darkness does to skin.

    .venv/bin/python -m benchmarks.quality_thresholds

Needs ../shared: press portraits (faces_dev) and webcam frames (pad_dev/live), YuNet, FaceMesh.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from perse.domain.geometry import DetectedFace, Framing
from perse.domain.light import lab_d50, linear
from perse.domain.quality import FACE_SIZE_PX, FaceMetrics, ImageMetrics
from perse.domain.samples import FaceImage, ModelName, Pixels
from perse.imaging.quality import face_metrics
from perse.media.face_crop import crop_face
from perse.media.image_decoder import decode_image
from perse.media.quality_assessor import CropQualityAssessor
from perse.networks.facemesh import FaceMeshPose
from perse.networks.session import open_session
from perse.networks.yunet import POINTS, YunetDetector

SHARED = Path(__file__).resolve().parents[2] / "shared"
# Name, threshold, whether higher is better.
THRESHOLDS = (
    ("underexposure", 0.85, False),
    ("underexposure", 0.95, False),
    ("overexposure", 0.03, False),
    ("sharpness", 0.3, True),
    ("colour", 0.5, False),
    ("rotation", 20.0, False),
    ("rotation", 25.0, False),
    ("rotation", 30.0, False),
)
LIGHTNESSES = (50, 45, 40, 37, 35, 32, 30, 25)
DARKENED = 150


def main() -> None:
    cv2.setNumThreads(1)
    crops: list[Pixels] = []
    for name, pattern, scale in (
        ("press portraits", "data/faces_dev/*/*.jpg", 2.0),
        ("webcam frames", "data/pad_dev/live/*/*.jpg", 1.0),
    ):
        measured = list(measure(pattern, scale))
        show(f"{name}: faces", [face for face, _, _ in measured])
        show(f"{name}: whole pictures", [image for _, image, _ in measured])
        crops.extend(crop for _, _, crop in measured if name.startswith("press"))
    darken(crops)


def weights(name: str) -> Path:
    return next((SHARED / "models").rglob(name))


def measure(pattern: str, scale: float) -> Iterator[tuple[FaceMetrics, ImageMetrics, Pixels]]:
    detector = YunetDetector(open_session(weights("yunet_n_dynamic.onnx")), ModelName("yunet"))
    pose = FaceMeshPose(
        open_session(weights("facemesh_468.onnx")), ModelName("facemesh"), POINTS.head
    )
    assessor = CropQualityAssessor()
    for path in sorted(SHARED.glob(pattern)):
        image = decode_image(path.read_bytes())
        framing = Framing.whole(image.width_px, image.height_px, scale=scale)
        face = nearest_to_middle(list(detector.find(image, framing)), image)
        metrics = assessor.of_face(image, face, pose.estimate(image, face))
        crop = crop_face(image, face.landmarks, FACE_SIZE_PX)
        yield metrics, assessor.of_image(image), crop


def nearest_to_middle(faces: list[DetectedFace], image: FaceImage) -> DetectedFace:
    middle = np.array((image.width_px, image.height_px)) / 2
    return min(faces, key=lambda face: float(np.linalg.norm(np.array(face.box.centre) - middle)))


def show(title: str, metrics: list[FaceMetrics] | list[ImageMetrics]) -> None:
    print(f"\n{title} ({len(metrics)})")
    for name, threshold, higher in THRESHOLDS:
        if not hasattr(metrics[0], name):
            continue
        values = np.array([getattr(metric, name) for metric in metrics])
        passed = float((values >= threshold).mean() if higher else (values < threshold).mean())
        spread = np.percentile(values, (1, 5, 50, 95, 99)).round(3)
        print(f"  {name:14} {threshold:5}: {passed:6.1%} pass; percentiles 1 5 50 95 99 {spread}")


def darken(crops: list[Pixels]) -> None:
    """Faces of middling lightness, printed as if their skin were darker in the same light."""
    middling = [crop for crop in crops if 50 < cheek_lightness(crop) < 75]
    chosen = np.random.default_rng(0).permutation(len(middling))[:DARKENED]
    print(f"\nunderexposure of {len(chosen)} press portraits with the cheeks set to L*")
    for lightness in LIGHTNESSES:
        values = [
            face_metrics(at_lightness(middling[i], lightness), grey=False, rotation=0).underexposure
            for i in chosen
        ]
        passes = ", ".join(f"{np.mean(np.array(values) < t):.0%} below {t}" for t in (0.85, 0.95))
        print(f"  L* {lightness}: median {np.median(values):.2f}, {passes}")


def cheek_lightness(crop: Pixels) -> float:
    return lab_d50(cheeks(crop).mean(axis=0))[0]


def cheeks(crop: Pixels) -> NDArray[np.float64]:
    rows, columns = slice(53, 66), (slice(24, 36), slice(60, 72))
    return np.concatenate([crop[rows, part].reshape(-1, 3) for part in columns]).astype(float)


def at_lightness(crop: Pixels, lightness: float) -> Pixels:
    """The same relief under a darker skin: all light times one factor, found by halving."""
    lowest, highest = 1e-3, 8.0
    for _ in range(30):
        factor = float(np.sqrt(lowest * highest))
        darker = with_light(crop, factor)
        if cheek_lightness(darker) < lightness:
            lowest = factor
        else:
            highest = factor
    return darker


def with_light(pixels: Pixels, factor: float) -> Pixels:
    light = np.clip(linear(np.arange(256) / 255) * factor, 0, 1)
    value = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.round(value * 255).astype(np.uint8)[pixels])


if __name__ == "__main__":
    main()
