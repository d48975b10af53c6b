"""The average head that tells the depth of turning faces, into weights/shipped/head_shape.npz.

    python -m training.head_shape --faces ../shared/data/faces_mated --every 4 --out head_shape.npz

FaceMesh's points of portraits, each turned to look ahead, averaged with their mirror image: the
depth of the surface on a grid, and the places that stand for a detector's five points. Eye
distances from between the eyes. No labels are used, and nothing of one person is left.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import LinearNDInterpolator, NearestNDInterpolator

from benchmarks.liveness_sessions.material import face_points, largest, read
from perse.bootstrap.face_networks import FaceNetworks, open_face_networks
from perse.bootstrap.weights import obtain_networks
from perse.domain.pose import rotation_matrix
from perse.domain.relief import HeadShape
from perse.domain.samples import FaceImage
from perse.networks.facemesh import FaceMeshPose
from perse.settings import load_settings

Floats = NDArray[np.float64]

COLUMNS, ROWS = 22, 26
FROM_AHEAD = 15.0
RIGHT_EYE, LEFT_EYE, NOSE, MOUTH = (33, 133), (362, 263), 4, (61, 291)


def heads(networks: FaceNetworks, folder: Path, every: int) -> Iterator[Floats]:
    """468 x 3 each, looking ahead."""
    if not isinstance(networks.pose, FaceMeshPose):
        raise SystemExit("this pack has no FaceMesh")
    for path in sorted(folder.rglob("*.jpg"))[::every]:
        picture = FaceImage(read(path))
        face = largest(networks.detector.detect(picture))
        if face is None:
            continue
        pose = networks.pose.estimate(picture, face)
        if max(abs(pose.yaw), abs(pose.pitch)) > FROM_AHEAD:
            continue
        points = face_points(picture, face, networks.pose) @ rotation_matrix(pose)
        right, left = (points[list(eye)].mean(axis=0) for eye in (RIGHT_EYE, LEFT_EYE))
        yield (points - (right + left) / 2) / np.linalg.norm(left - right)


def shape_of(mean: Floats) -> HeadShape:
    """The surface of an average head, as wide to the right as to the left."""
    places = [mean[list(RIGHT_EYE)].mean(axis=0), mean[list(LEFT_EYE)].mean(axis=0)]
    anchors = np.array([*places, mean[NOSE], *mean[list(MOUTH)]])
    mirrored = anchors[[1, 0, 2, 4, 3]] * (-1, 1, 1)
    limits = HeadShape(anchors, np.zeros((ROWS, COLUMNS)))
    x, y = np.meshgrid(
        np.linspace(limits.left, limits.right, COLUMNS),
        np.linspace(limits.top, limits.bottom, ROWS),
    )
    within = LinearNDInterpolator(mean[:, :2], mean[:, 2])(x, y)
    around = NearestNDInterpolator(mean[:, :2], mean[:, 2])(x, y)
    depth = np.where(np.isfinite(within), within, around)
    return HeadShape((anchors + mirrored) / 2, (depth + depth[:, ::-1]) / 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--data-dir", type=Path, default=Path("build"))
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    on_disk = obtain_networks(load_settings(pack="standard", data_dir=arguments.data_dir))
    networks = open_face_networks(on_disk, threads=1)
    every = list(heads(networks, arguments.faces, arguments.every))
    shape = shape_of(np.mean(every, axis=0))
    np.savez(
        arguments.out,
        anchors=shape.anchors.astype(np.float32),
        depth=shape.depth.astype(np.float32),
    )
    print(f"{len(every)} portraits; nose {shape.anchors[2].round(3)}")


if __name__ == "__main__":
    main()
