"""On many real faces, which are not ours to show."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from perse.domain.geometry import DetectedFace, Framing, HeadPose
from perse.domain.quality import FaceMetrics
from perse.domain.samples import FaceImage, ModelName
from perse.media.image_decoder import decode_image
from perse.media.quality_assessor import CropQualityAssessor
from perse.networks.session import open_session
from perse.networks.yunet import YunetDetector

PEOPLE = 40
STRAIGHT = HeadPose(0.0, 0.0, 0.0)
assess = CropQualityAssessor()


@pytest.fixture(scope="module")
def faces(shared: Path) -> list[tuple[FaceImage, DetectedFace]]:
    weights = next((shared / "models").rglob("yunet_n_dynamic.onnx"))
    detector = YunetDetector(open_session(weights), ModelName("yunet"))
    found = []
    for folder in sorted((shared / "data" / "faces_dev").iterdir())[:: 1468 // PEOPLE][:PEOPLE]:
        image = decode_image(min(folder.glob("*.jpg")).read_bytes())
        framing = Framing.whole(image.width_px, image.height_px, scale=2.0)
        found.append((image, max(detector.find(image, framing), key=lambda face: face.box.area)))
    return found


def blurred(image: FaceImage, face: DetectedFace, share: float) -> FaceMetrics:
    sigma = share * face.landmarks.inter_eye_distance_px()
    pixels = np.asarray(cv2.GaussianBlur(image.pixels, (0, 0), sigma), np.uint8)
    return assess.of_face(FaceImage(pixels), face, STRAIGHT)


@pytest.mark.shared
def test_press_portraits_are_good(faces: list[tuple[FaceImage, DetectedFace]]) -> None:
    metrics = [assess.of_face(image, face, STRAIGHT) for image, face in faces]
    good = [
        m.underexposure < 0.85 and m.overexposure < 0.03 and m.sharpness >= 0.3 and m.colour < 0.5
        for m in metrics
    ]
    assert len(good) == PEOPLE
    assert sum(good) >= PEOPLE - 3


@pytest.mark.shared
def test_every_face_loses_sharpness_with_every_step_of_blur(
    faces: list[tuple[FaceImage, DetectedFace]],
) -> None:
    for image, face in faces:
        values = [assess.of_face(image, face, STRAIGHT).sharpness]
        values += [blurred(image, face, share).sharpness for share in (0.03, 0.05, 0.08, 0.12)]
        assert all(later < earlier for earlier, later in pairwise(values))
        assert values[-1] < 0.3


@pytest.mark.shared
def test_every_face_gets_darker_with_less_light(
    faces: list[tuple[FaceImage, DetectedFace]],
) -> None:
    for image, face in faces:
        shares = [
            assess.of_face(
                FaceImage((image.pixels * factor).astype(np.uint8)), face, STRAIGHT
            ).underexposure
            for factor in (1.0, 0.8, 0.6, 0.4, 0.2)
        ]
        assert shares == sorted(shares)
        assert shares[-1] > 0.9
