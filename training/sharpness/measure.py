"""Blur faces in known ways; keep the features of each and what the blur did to recognition.

    python training/sharpness/measure.py OUT.npz [--people 700]

Reads ../shared (faces_dev, YuNet, MobileFaceNet), writes features and cosines, no picture.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from blurs import ALL, Loss, apply

from perse.domain.alignment import SimilarityTransform
from perse.domain.geometry import Framing, Landmarks
from perse.domain.quality import FACE_SIZE_PX
from perse.domain.samples import FaceImage, ModelName
from perse.imaging.light import luma
from perse.imaging.quality import FACE_REGION
from perse.imaging.sharpness import detail_features
from perse.media.face_crop import crop_face
from perse.media.image_decoder import decode_image
from perse.networks.session import Session, open_session
from perse.networks.yunet import YunetDetector

SHARED = Path(__file__).resolve().parents[3] / "shared"

# Where the embedder's training put the five points in its 112 px square (InsightFace's canon).
EMBEDDER_CANON = np.array(
    [[38.29, 51.70], [73.53, 51.50], [56.03, 71.74], [41.55, 92.37], [70.73, 92.20]], np.float32
)
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--people", type=int, default=700)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    rng = np.random.default_rng(20261123)
    folders = sorted(p for p in (SHARED / "data/faces_dev").iterdir() if p.is_dir())
    chosen = rng.permutation(len(folders))[: options.people]
    rows = [row for index in chosen for row in measure_person(folders[index], rng)]
    names = ("person", "kind", "strength", "features", "cosine")
    columns = {n: np.array([row[i] for row in rows]) for i, n in enumerate(names)}
    np.savez(options.out, allow_pickle=True, **columns)
    print(len(rows), "examples of", len({row[0] for row in rows}), "people")


def weights(name: str) -> Path:
    return next((SHARED / "models").rglob(name))


DETECTOR = YunetDetector(open_session(weights("yunet_n_dynamic.onnx")), ModelName("yunet"))
EMBEDDER = open_session(weights("mobilefacenet.onnx"))


def measure_person(folder: Path, rng: np.random.Generator) -> list[tuple[object, ...]]:
    image = decode_image(min(folder.glob("*.jpg")).read_bytes())
    landmarks = locate(image)
    if landmarks is None:
        return []
    original = embed(EMBEDDER, image.pixels, landmarks)
    rows: list[tuple[object, ...]] = []
    for loss in (Loss("none", 0.0), *ALL):
        pixels = image.pixels
        if loss.kind != "none":
            pixels = apply(pixels, loss, landmarks.inter_eye_distance_px(), rng)
        features = detail_features(
            luma(crop_face(FaceImage(pixels), landmarks, FACE_SIZE_PX)), FACE_REGION
        )
        if features is not None:
            cosine = float(original @ embed(EMBEDDER, pixels, landmarks))
            rows.append((folder.name, loss.kind, loss.strength, features, cosine))
    return rows


def locate(image: FaceImage) -> Landmarks | None:
    """Of the face nearest the middle; the picture is seen doubled."""
    faces = DETECTOR.find(image, Framing.whole(image.width_px, image.height_px, scale=2.0))
    middle = np.array([image.width_px, image.height_px]) / 2
    faces = sorted(faces, key=lambda f: float(np.linalg.norm(np.array(f.box.centre) - middle)))
    return faces[0].landmarks if faces else None


def embed(session: Session, pixels: np.ndarray, landmarks: Landmarks) -> np.ndarray:
    turn = SimilarityTransform.fit(landmarks.points, EMBEDDER_CANON).matrix
    chip = cv2.warpAffine(pixels, turn, (112, 112)).astype(np.float32) / 255
    batch = ((chip - MEAN) / DEVIATION).transpose(2, 0, 1)[np.newaxis]
    vector = session.run({session.input_names[0]: np.ascontiguousarray(batch)})[0][0]
    return np.asarray(vector / np.linalg.norm(vector))


if __name__ == "__main__":
    main()
