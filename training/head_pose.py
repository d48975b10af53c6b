"""The rigid heads behind head pose, printed for facemesh.py and each detector's file.

    python -m training.head_pose --weights YUNET.onnx --mesh FACEMESH.onnx

FaceMesh's head: mean of its rigid points over portraits and their mirror images after generalised
Procrustes analysis; pitch 0 is the median portrait's. A detector's head: the five points that,
turned as FaceMesh says, best explain its landmarks; fitted on half of the people and judged on the
other half. No labels are used.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.face_detection import central, opened, read
from perse.domain.five_point_pose import pose_from_landmarks
from perse.domain.geometry import HeadPose, Landmarks
from perse.domain.pose import about_z, aligning_rotation, head_pose, rotation_angle, rotation_matrix
from perse.domain.samples import FaceImage
from perse.imaging.cutting import cut_chip
from perse.networks.facemesh import SIZE_PX, crop_of, eye_line_degrees, read_mesh
from perse.networks.session import open_session
from perse.pipelines.face_search import MultiScaleDetector

Floats = NDArray[np.float64]

INDICES = (33, 133, 362, 263, 168, 6, 4, 1, 2, 98, 327, 10, 127, 356, 234, 454)
MIRROR = (3, 2, 1, 0, 4, 5, 6, 7, 8, 10, 9, 11, 13, 12, 15, 14)
MIRROR_FIVE = (1, 0, 2, 4, 3)
ROUNDS = 10


@dataclass(frozen=True)
class Look:
    """One portrait, or its mirror image, as detector and mesh saw it."""

    person: str
    turn_degrees: float
    rigid: Floats
    landmarks: Floats


def looks(detector: MultiScaleDetector, mesh: Path, folder: Path, every: int) -> list[Look]:
    session = open_session(mesh)
    seen = []
    for path in sorted(folder.rglob("*.jpg"))[::every]:
        upright = read(path)
        for pixels in (upright, np.ascontiguousarray(upright[:, ::-1])):
            face = central(detector.detect(FaceImage(pixels)), pixels)
            if face is None:
                continue
            turn = eye_line_degrees(face)
            chip = cut_chip(FaceImage(pixels), crop_of(face, turn), SIZE_PX)
            planes = chip.transpose(2, 0, 1)[None].astype(np.float32) / 255
            found = read_mesh(session.run({session.input_names[0]: planes}))
            if found.face_log_odds > 0:
                rigid = found.points[list(INDICES)].astype(np.float64)
                points = face.landmarks.points.astype(np.float64)
                seen.append(Look(path.parent.name, turn, rigid, points))
    return seen


def normalised(points: Floats) -> Floats:
    centred = points - points.mean(axis=0)
    return np.asarray(centred / np.sqrt((centred**2).sum(axis=1).mean()))


def reflected(points: Floats, order: tuple[int, ...]) -> Floats:
    return np.asarray(points[list(order)] * np.array((-1, 1, 1)))


def rigid_head(seen: list[Look]) -> Floats:
    clouds = [normalised(look.rigid) for look in seen]
    head = normalised(np.mean(clouds, axis=0))
    for _ in range(ROUNDS):
        turns = [aligning_rotation(head, cloud) for cloud in clouds]
        mean = np.mean([cloud @ turn for cloud, turn in zip(clouds, turns, strict=True)], axis=0)
        pitch = float(np.median([head_pose(turn).pitch for turn in turns]))
        symmetric = (mean + reflected(mean, MIRROR)) / 2
        head = normalised(symmetric @ rotation_matrix(HeadPose(0, pitch, 0)).T)
    return head


def five_point_head(points: Floats, turns: Floats) -> Floats:
    """``points``: n x 5 x 2, ``turns``: n x 3 x 3. Alternating least squares for head and sizes."""
    centred = points - points.mean(axis=1, keepdims=True)
    sizes = np.sqrt((centred**2).sum(axis=(1, 2)))
    head = np.zeros((5, 3))
    for _ in range(2 * ROUNDS):
        rows = (sizes[:, None, None] * turns[:, :2]).reshape(-1, 3)
        solved = np.linalg.lstsq(rows, centred.transpose(0, 2, 1).reshape(-1, 5), rcond=None)[0].T
        head = normalised(solved)
        shown = np.einsum("nij,kj->nki", turns[:, :2], head)
        sizes = (shown * centred).sum(axis=(1, 2)) / (shown**2).sum(axis=(1, 2))
    return (head + reflected(head, MIRROR_FIVE)) / 2


def deepened(head: Floats, points: Floats, yaws: Floats) -> Floats:
    """Depth scaled until estimated yaw grows one to one with ``yaws``: noise had flattened it."""
    for _ in range(ROUNDS):
        estimated = [pose_from_landmarks(_landmarks(p), head).yaw for p in points]
        slope = float(np.polyfit(yaws, estimated, 1)[0])
        head = head * np.array((1, 1, slope))
    return head


def _landmarks(points: Floats) -> Landmarks:
    return Landmarks(points.astype(np.float32))


def judge(head: Floats, points: Floats, truth: list[HeadPose]) -> None:
    found = [pose_from_landmarks(_landmarks(p), head) for p in points]
    for name in ("yaw", "pitch", "roll"):
        ours = np.array([getattr(pose, name) for pose in found])
        theirs = np.array([getattr(pose, name) for pose in truth])
        report(name, ours, theirs)
    ours, theirs = (np.array([rotation_angle(p) for p in poses]) for poses in (found, truth))
    report("rotation", ours, theirs)
    agree = 100 * np.mean((ours < 25) == (theirs < 25))
    print(f"on the same side of 25 degrees: {agree:.1f} %")


def report(name: str, ours: Floats, theirs: Floats) -> None:
    off = np.abs(ours - theirs)
    print(
        f"{name}: correlation {np.corrcoef(ours, theirs)[0, 1]:.3f}, mean error {off.mean():.1f}, "
        f"95 % within {np.quantile(off, 0.95):.1f} degrees"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--mesh", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--every", type=int, default=1)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    detector = opened(given.weights)
    seen = looks(detector, given.mesh, given.data / "faces_dev", given.every)
    rigid = rigid_head(seen)
    print(f"{len(seen)} looks; FaceMesh's head: index, x, y, z")
    for index, point in zip(INDICES, rigid, strict=True):
        print(index, *np.round(point, 3))
    turns = [about_z(look.turn_degrees) @ aligning_rotation(rigid, look.rigid) for look in seen]
    poses = [head_pose(turn) for turn in turns]
    people = sorted({look.person for look in seen})
    learnt_from = set(people[::2])
    learn = np.array([look.person in learnt_from for look in seen])
    points = np.array([look.landmarks for look in seen])
    yaws = np.array([pose.yaw for pose in poses])
    head = five_point_head(points[learn], np.array(turns)[learn])
    head = deepened(head, points[learn], yaws[learn])
    print(f"the detector's head:\n{np.round(head, 3)}\njudged on the other people:")
    judge(
        head, points[~learn], [pose for pose, known in zip(poses, learn, strict=True) if not known]
    )


if __name__ == "__main__":
    main()
