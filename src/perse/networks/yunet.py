"""YuNet: faces with five landmarks; the edition of March 2023 and YuNet-n.

Wu, Peng, Yu: YuNet: A Tiny Millisecond-level Face Detector (2023); opencv_zoo and
ShiqiYu/libfacedetection.train.
Input 1 x 3 x H x W, BGR 0..255, H and W multiples of 32. Outputs for the strides 8, 16, 32, one
row per cell: class and objectness (0..1), box (centre offset and log size, in strides) and five
points (offsets in strides, the subject's right eye first).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perse.domain.detector_points import DetectorPoints
from perse.domain.geometry import DetectedFace, Framing
from perse.domain.samples import FaceImage
from perse.domain.search_plan import SearchPlan
from perse.networks.candidates import Candidates, faces_among
from perse.networks.canvas import lay_out
from perse.networks.network import Network

_STRIDES = (8, 16, 32)

# Measured with benchmarks/face_detection.py.
PLAN = SearchPlan(
    glance_px=448, small_face_px=32, close_px=2048, tile_px=640, overlap_px=96, step_back_px=160
)
# On smaller crops YuNet 2023mar places the eyes of a tilted face too level (docs/detection.md).
REFINED_ON_PX = 256
# That there is a face is settled when its landmarks are located anew.
THRESHOLD_OF_A_KNOWN_FACE = 0.3

# canon: fitted_canon of 1,549 press portraits, 2026-11-28 (benchmarks/face_canons.py). head: least
# squares over press portraits whose rotation FaceMesh gave, depth scaled so that yaw grows one to
# one with FaceMesh's; printed by training/head_pose.py, 2026-11-23, with YuNet-n.
POINTS = DetectorPoints.of(
    canon=[[37.69, 52.06], [74.25, 51.83], [55.86, 73.99], [40.29, 90.91], [72.04, 90.71]],
    head=[
        (-0.758, -0.800, 0.146),
        (0.758, -0.800, 0.146),
        (0.0, 0.090, -0.773),
        (-0.668, 0.754, 0.240),
        (0.668, 0.754, 0.240),
    ],
)

Rows = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class YunetDetector(Network):
    """Finds faces in one framing of a picture. ``threshold``: least score of a face, 0..1."""

    threshold: float = 0.7

    def find(self, image: FaceImage, framing: Framing) -> Sequence[DetectedFace]:
        """Faces in picture pixels, best score first, also those cut by the border."""
        tensor = lay_out(image, framing, bgr=True)
        outputs = dict(
            zip(self.session.output_names, self.session.run({"input": tensor}), strict=True)
        )
        return faces_among(read_candidates(outputs, tensor.shape[3], self.threshold), framing)


def read_candidates(outputs: dict[str, Rows], width_px: int, threshold: float) -> Candidates:
    """Decode the rows whose score, the mean of class and objectness, reaches ``threshold``.

    The mean is geometric, as in training.
    """
    levels = list[Candidates]()
    for stride in _STRIDES:
        likely = outputs[f"cls_{stride}"][0, :, 0] * outputs[f"obj_{stride}"][0, :, 0]
        rows = np.flatnonzero(likely >= threshold * threshold)
        if len(rows):
            levels.append(_decoded(outputs, stride, rows, likely[rows], width_px // stride))
    return Candidates.together(levels)


def _decoded(
    outputs: dict[str, Rows], stride: int, rows: NDArray[np.intp], likely: Rows, columns: int
) -> Candidates:
    cells = np.stack((rows % columns, rows // columns), axis=1).astype(np.float32)
    box = outputs[f"bbox_{stride}"][0, rows]
    centres = (cells + box[:, :2]) * stride
    halves = np.exp(box[:, 2:]) * (stride / 2)
    points = outputs[f"kps_{stride}"][0, rows].reshape(-1, 5, 2)
    return Candidates(
        np.sqrt(np.minimum(likely, 1)),
        np.concatenate((centres - halves, centres + halves), axis=1),
        (points + cells[:, None]) * stride,
    )
