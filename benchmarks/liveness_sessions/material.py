"""Whose pictures are made into sessions, and what a webcam would see of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.liveness_sessions.surfaces import Surface, head_of
from perse.domain.geometry import DetectedFace, Points
from perse.domain.samples import FaceImage, Pixels
from perse.domain.session_frames import faces_before_camera
from perse.imaging.cutting import cut_chip
from perse.media.image_decoder import decode_image
from perse.networks.facemesh import SIZE_PX, FaceMeshPose, crop_of, eye_line_degrees, read_mesh
from perse.pipelines.ports import FaceDetector

WIDTH_PX, HEIGHT_PX = 640, 480
FACE_HEIGHT_PX = 190.0
MOST_TURNED = 10.0
_EYE_CORNERS = (33, 133, 362, 263)


@dataclass(frozen=True, slots=True, eq=False)
class Sitter:
    """One person before a webcam, looking ahead."""

    name: str
    picture: Pixels
    face: DetectedFace
    head: Surface


def part_of(person: str) -> float:
    """0..1 by the hash that ``training/liveness/splits.py`` shares people out with: those from
    0.75 on have neither trained nor calibrated the attack detector."""
    digest = hashlib.sha256(f"perse-pad-1:{person}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def people(data: Path, *, shown: bool) -> list[Path]:
    """Pictures of people that the attack detector never saw: one half to fit the operating points,
    the other to show them. ``data``: folders, one a person."""
    folders = sorted(it for it in data.iterdir() if it.is_dir() and part_of(it.name) >= 0.75)
    half = [it for it in folders if (part_of(it.name) >= 0.875) == shown]
    return [sorted(folder.glob("*.jpg"))[0] for folder in half]


def sitter(
    path: Path, detector: FaceDetector, mesh: FaceMeshPose, pixels: Pixels | None = None
) -> Sitter | None:
    """None where there is no face, one that is turned too far already, or a second one."""
    picture = read(path) if pixels is None else pixels
    found = largest(detector.detect(FaceImage(picture)))
    if found is None:
        return None
    seen = on_canvas(picture, found)
    faces = detector.detect(FaceImage(seen))
    face = largest(faces)
    if face is None or faces_before_camera([it.box for it in faces]) > 1:
        return None
    pose = mesh.estimate(FaceImage(seen), face)
    if max(abs(pose.yaw), abs(pose.pitch)) > MOST_TURNED or abs(pose.roll) > 2 * MOST_TURNED:
        return None
    points, eyes_px = mesh_points(seen, face, mesh)
    return Sitter(path.parent.name, seen, face, head_of(seen, points, eyes_px))


def read(path: Path) -> Pixels:
    return decode_image(path.read_bytes()).pixels


def largest(faces: Sequence[DetectedFace]) -> DetectedFace | None:
    return max(faces, key=lambda face: face.box.area, default=None)


def on_canvas(picture: Pixels, face: DetectedFace) -> Pixels:
    """As a webcam shows it: what 640 x 480 pixels around the face show of the picture, no more."""
    scale = FACE_HEIGHT_PX / face.box.height
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    seen = np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=kind), np.uint8)
    middle_x, middle_y = (scale * at for at in face.box.centre)
    left, right = _around(middle_x, WIDTH_PX, seen.shape[1])
    top, bottom = _around(middle_y, HEIGHT_PX, seen.shape[0])
    return np.ascontiguousarray(seen[top:bottom, left:right])


def _around(middle: float, reach_px: int, size: int) -> tuple[int, int]:
    """An even number of pixels within 0..``size``, about ``middle``."""
    start = round(min(max(0.0, middle - reach_px / 2), max(0.0, size - reach_px)))
    length = min(reach_px, size - start)
    return start, start + length - length % 2


def face_points(picture: FaceImage, face: DetectedFace, mesh: FaceMeshPose) -> Points:
    """468 x 3 as FaceMesh sees them, pixels of the picture, z too."""
    to_crop = crop_of(face, eye_line_degrees(face))
    chip = cut_chip(picture, to_crop, SIZE_PX)
    planes = chip.transpose(2, 0, 1)[None].astype(np.float32) / 255
    points = read_mesh(mesh.session.run({mesh.session.input_names[0]: planes})).points
    placed = to_crop.inverse().apply(points[:, :2])
    return np.column_stack((placed, points[:, 2] / to_crop.scale)).astype(np.float32)


def mesh_points(picture: Pixels, face: DetectedFace, mesh: FaceMeshPose) -> tuple[Points, float]:
    """The same with z 0 at the eyes, and the distance between the eyes."""
    points = face_points(FaceImage(picture), face, mesh)
    corners = points[list(_EYE_CORNERS)]
    points[:, 2] -= corners[:, 2].mean()
    across = corners[2:].mean(axis=0) - corners[:2].mean(axis=0)
    return points, float(np.linalg.norm(across))
