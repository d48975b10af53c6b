"""Which way a head looks: rotation matrices, angles, and pose from five points.

Camera frame: x to the right of the picture, y down, z away from the camera; a head that looks
straight into the camera has the identity. R = Rz(roll) Ry(-yaw) Rx(-pitch), so the signs are those
of HeadPose.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from perse.domain.geometry import HeadPose

Matrix = NDArray[np.float64]


def rotation_matrix(pose: HeadPose) -> Matrix:
    """3 x 3 rotation that turns a head looking into the camera into ``pose``."""
    yaw, pitch = math.radians(pose.yaw), math.radians(pose.pitch)
    about_x = np.array(
        [
            [1, 0, 0],
            [0, math.cos(pitch), math.sin(pitch)],
            [0, -math.sin(pitch), math.cos(pitch)],
        ]
    )
    about_y = np.array(
        [[math.cos(yaw), 0, -math.sin(yaw)], [0, 1, 0], [math.sin(yaw), 0, math.cos(yaw)]]
    )
    return np.asarray(about_z(pose.roll) @ about_y @ about_x)


def about_z(degrees: float) -> Matrix:
    """Rotation in the picture plane, clockwise as one looks at the picture."""
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])


def head_pose(matrix: Matrix) -> HeadPose:
    """The angles of a rotation matrix; the inverse of ``rotation_matrix`` for |yaw| < 90."""
    return HeadPose(
        yaw=math.degrees(math.asin(max(-1.0, min(1.0, float(matrix[2, 0]))))),
        pitch=-math.degrees(math.atan2(matrix[2, 1], matrix[2, 2])),
        roll=math.degrees(math.atan2(matrix[1, 0], matrix[0, 0])),
    )


def rotation_angle(pose: HeadPose) -> float:
    """Degrees, 0..180, between ``pose`` and looking into the camera: arccos((tr R - 1) / 2)."""
    cosine = (float(np.trace(rotation_matrix(pose))) - 1) / 2
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


def aligning_rotation(model: Matrix, seen: Matrix) -> Matrix:
    """Rotation R for which scale * R @ model + shift is nearest to ``seen`` (both n x 3).

    Least squares after Kabsch (1976) and Umeyama (1991); never a reflection.
    """
    covariance = (seen - seen.mean(axis=0)).T @ (model - model.mean(axis=0))
    left, _, right = np.linalg.svd(covariance)
    if np.linalg.det(left @ right) < 0:
        left[:, 2] *= -1
    return np.asarray(left @ right)
