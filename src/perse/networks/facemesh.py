"""FaceMesh: 468 points in space, and from them which way the head looks.

Kartynnik, Ablavatski, Grishchenko, Grundmann: Real-time Facial Surface Geometry from Monocular
Video on Mobile GPUs (2019). Input 1 x 3 x 192 x 192, RGB 0..1: the face level and centred. Outputs:
x, y (crop pixels), z (the same unit, away from the camera) of 468 points, and the log odds that
there is a face at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from perse.domain.alignment import SimilarityTransform
from perse.domain.five_point_pose import pose_from_landmarks
from perse.domain.geometry import DetectedFace, HeadPose
from perse.domain.pose import Matrix, about_z, aligning_rotation, head_pose
from perse.domain.samples import FaceImage
from perse.imaging.cutting import cut_chip
from perse.networks.face_chip import unit_planes
from perse.networks.network import Network

SIZE_PX: Final = 192

# Times the longer side of the detector's box. The network's own detector is followed by 1.5 times a
# smaller box; of 1.0 to 1.7 this width had the highest log odds of a face on press portraits.
CROP_SCALE: Final = 1.25

# A crop more tilted than this is looked at once more, turned by what the first look said: small
# faces' eyes come out too level, and on a tilted crop the network, too, sees less than the tilt.
LEVEL_ENOUGH_DEGREES: Final = 8.0

# Points that move little with expression (index, x, y, z in the camera frame of perse.domain.pose):
# mean of 1549 press portraits and their mirror images after generalised Procrustes analysis, with
# the median portrait's pitch as 0. Printed by training/head_pose.py; 2026-11-23.
_RIGID: Final = np.array(
    [
        (33, -0.792, -0.221, 0.026),  # eyes: corners
        (133, -0.303, -0.194, -0.070),
        (362, 0.303, -0.194, -0.070),
        (263, 0.792, -0.221, 0.026),
        (168, 0.0, -0.289, -0.365),  # nose: ridge, tip, base, wings
        (6, 0.0, -0.153, -0.442),
        (4, 0.0, 0.361, -0.767),
        (1, 0.0, 0.473, -0.729),
        (2, 0.0, 0.582, -0.453),
        (98, -0.306, 0.540, -0.310),
        (327, 0.306, 0.540, -0.310),
        (10, 0.0, -1.110, -0.291),  # forehead
        (127, -1.237, -0.151, 0.897),  # temples
        (356, 1.237, -0.151, 0.897),
        (234, -1.223, 0.093, 0.980),  # cheeks
        (454, 1.223, 0.093, 0.980),
    ]
)
_RIGID_INDICES: Final = _RIGID[:, 0].astype(np.intp)
_RIGID_HEAD: Final = _RIGID[:, 1:]


@dataclass(frozen=True, slots=True, eq=False)
class FaceMesh:
    """``points``: float32 468 x 3, crop pixels. ``face_log_odds`` > 0: there is a face."""

    points: NDArray[np.float32]
    face_log_odds: float


@dataclass(frozen=True, slots=True, eq=False)
class FaceMeshPose(Network):
    """Head pose from dense landmarks; from the detector's five where the network sees no face.

    ``head``: the detector's five points in space. Satisfies PoseEstimator; ``log_odds`` says how
    sure the network is of a face.
    """

    head: Matrix

    def estimate(self, image: FaceImage, face: DetectedFace) -> HeadPose:
        """Degrees. Raises NetworkUnusable."""
        turn = eye_line_degrees(face)
        mesh = self._look(image, face, turn)
        if mesh.face_log_odds <= 0:
            return pose_from_landmarks(face.landmarks, self.head)
        pose = pose_of(mesh, turn)
        if abs(math.remainder(pose.roll - turn, 360)) <= LEVEL_ENOUGH_DEGREES:
            return pose
        return pose_of(self._look(image, face, pose.roll), pose.roll)

    def log_odds(self, image: FaceImage, face: DetectedFace) -> float:
        """Of there being a face where its eyes say that it is; > 0: likelier than not."""
        return self._look(image, face, eye_line_degrees(face)).face_log_odds

    def _look(self, image: FaceImage, face: DetectedFace, turn_degrees: float) -> FaceMesh:
        chip = cut_chip(image, crop_of(face, turn_degrees), SIZE_PX)
        return read_mesh(self.session.run({self.session.input_names[0]: unit_planes(chip)}))


def eye_line_degrees(face: DetectedFace) -> float:
    """How far the line from the right to the left eye is turned, clockwise in the picture."""
    right_eye, left_eye = face.landmarks.points[:2].tolist()
    return math.degrees(math.atan2(left_eye[1] - right_eye[1], left_eye[0] - right_eye[0]))


def crop_of(face: DetectedFace, turn_degrees: float) -> SimilarityTransform:
    """From the picture to a crop of SIZE_PX with the face centred and turned back by that much."""
    scale = SIZE_PX / (face.box.longer_side * CROP_SCALE)
    return SimilarityTransform.onto_square(
        face.box.centre, scale=scale, turned_degrees=turn_degrees, size_px=SIZE_PX
    )


def read_mesh(outputs: list[NDArray[np.float32]]) -> FaceMesh:
    """The network's answer, points on the crop."""
    points, flag = outputs
    return FaceMesh(points.reshape(468, 3), float(flag.reshape(-1)[0]))


def pose_of(mesh: FaceMesh, turn_degrees: float) -> HeadPose:
    """The pose in the picture of a mesh seen on a crop that was turned back by ``turn_degrees``."""
    seen = mesh.points[_RIGID_INDICES].astype(np.float64)
    return head_pose(about_z(turn_degrees) @ aligning_rotation(_RIGID_HEAD, seen))
