from __future__ import annotations

import pytest

from perse.domain.geometry import Box, DetectedFace, HeadPose
from perse.media.quality_assessor import CropQualityAssessor
from tests.media.faces import portrait


def test_it_measures_the_face_given_and_the_whole_picture() -> None:
    image, landmarks = portrait("obama_2010.jpg")
    face = DetectedFace(Box(378, 210, 212, 295), landmarks, 0.9)
    metrics = CropQualityAssessor().of_face(image, face, HeadPose(30.0, 0.0, 0.0))
    assert metrics.rotation == pytest.approx(30)
    assert 0.7 < metrics.sharpness <= 1
    whole = CropQualityAssessor().of_image(image)
    # Lit from behind: the windows are burnt out, the face is not.
    assert whole.overexposure > 0.03
    assert metrics.overexposure < 0.03
