"""Head pose from five landmarks, for packs without a network of dense landmarks.

The points are laid on a rigid head of five points under scaled orthography: the least-squares
affine map from the head to the picture, made orthonormal, is the upper part of the rotation (the
first step of DeMenthon and Davis 1995). Five points tell yaw and roll well. They tell pitch badly,
because a long nose looks like a lowered head: docs/detection.md says how far to trust it.
"""

from __future__ import annotations

import numpy as np

from perse.domain.geometry import DetectedFace, HeadPose, Landmarks
from perse.domain.pose import Matrix, head_pose
from perse.domain.samples import FaceImage, ModelName


class FivePointPose:
    """Reads a pose off the landmarks that the detector found. ``head``: that detector's points.

    Satisfies PoseEstimator.
    """

    def __init__(self, head: Matrix) -> None:
        self._head = head

    @property
    def model(self) -> ModelName:
        return ModelName("five_point_pose")

    def estimate(self, image: FaceImage, face: DetectedFace) -> HeadPose:  # noqa: ARG002
        """Degrees; the picture itself is not looked at."""
        return pose_from_landmarks(face.landmarks, self._head)


def pose_from_landmarks(landmarks: Landmarks, head: Matrix) -> HeadPose:
    """The pose under which ``head`` (5 x 3) looks most like ``landmarks``."""
    seen = landmarks.points.astype(np.float64)
    affine = (seen - seen.mean(axis=0)).T @ np.linalg.pinv(head.T)
    left, _, right = np.linalg.svd(affine, full_matrices=False)
    rows = left @ right
    return head_pose(np.vstack((rows, np.cross(rows[0], rows[1]))))
