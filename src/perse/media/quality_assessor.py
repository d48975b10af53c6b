"""The quality metrics of pictures and faces: pixels by OpenCV, measures by the domain."""

from __future__ import annotations

from dataclasses import dataclass

from perse.domain.geometry import DetectedFace, HeadPose
from perse.domain.pose import rotation_angle
from perse.domain.quality import (
    FACE_SIZE_PX,
    IMAGE_SIZE_PX,
    FaceMetrics,
    ImageMetrics,
)
from perse.domain.samples import FaceImage
from perse.imaging.quality import face_metrics, image_metrics
from perse.media.face_crop import crop_face, resize_image


@dataclass(frozen=True, slots=True)
class CropQualityAssessor:
    """Satisfies the pipelines' ``QualityAssessor``; has no state."""

    def of_image(self, image: FaceImage) -> ImageMetrics:
        return image_metrics(resize_image(image, IMAGE_SIZE_PX), grey=image.grey)

    def of_face(self, image: FaceImage, face: DetectedFace, pose: HeadPose) -> FaceMetrics:
        crop = crop_face(image, face.landmarks, FACE_SIZE_PX)
        return face_metrics(crop, grey=image.grey, rotation=rotation_angle(pose))
