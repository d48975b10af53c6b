"""CenterFace: faces with five landmarks.

Xu, Yan, Yang, Yuan: CenterFace: Joint Face Detection and Alignment Using Face as Point (2019);
Star-Clouds/CenterFace. Input N x 3 x H x W, RGB 0..255, H and W multiples of 32. Outputs at stride
4: heat map (score 0..1), log size (height, width, in strides), offset of the centre (y, x, in
strides) and five points (y, x, as shares of the box from its top left corner; the subject's right
eye first).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from perse.domain.geometry import DetectedFace, Framing
from perse.domain.samples import FaceImage, ModelName
from perse.domain.search_plan import SearchPlan
from perse.models.candidates import Candidates, faces_among
from perse.models.canvas import lay_out
from perse.models.session import Session

_STRIDE = 4

# Measured with benchmarks/face_detection.py.
CENTERFACE_PLAN = SearchPlan(
    glance_px=384, small_face_px=32, close_px=1536, tile_px=640, overlap_px=96, step_back_px=224
)

Maps = NDArray[np.float32]


class CenterFaceDetector:
    """Finds faces in one framing of a picture. ``threshold``: least score of a face, 0..1."""

    def __init__(self, session: Session, model: ModelName, *, threshold: float = 0.4) -> None:
        self._session = session
        self._model = model
        self._threshold = threshold

    @property
    def model(self) -> ModelName:
        return self._model

    def find(self, image: FaceImage, framing: Framing) -> Sequence[DetectedFace]:
        """Faces in picture pixels, best score first, also those cut by the border."""
        tensor = lay_out(image.pixels, framing, bgr=False)
        outputs = self._session.run({self._session.input_names[0]: tensor})
        return faces_among(read_candidates(outputs, self._threshold), framing)


def read_candidates(outputs: Sequence[Maps], threshold: float) -> Candidates:
    """Decode the cells whose heat reaches ``threshold``.

    ``outputs``: heat, log size, offset and landmark maps, 1 x (1, 2, 2, 10) x H/4 x W/4.
    """
    heat, log_size, offset, landmarks = (output[0] for output in outputs)
    rows, columns = np.nonzero(heat[0] >= threshold)
    heights, widths = np.exp(log_size[:, rows, columns]) * _STRIDE
    y_offsets, x_offsets = offset[:, rows, columns] + 0.5
    left = (columns + x_offsets) * _STRIDE - widths / 2
    top = (rows + y_offsets) * _STRIDE - heights / 2
    corners = np.stack((left, top, left + widths, top + heights), axis=1)
    shares = landmarks[:, rows, columns].reshape(5, 2, -1)[:, ::-1]
    points = shares * np.stack((widths, heights)) + np.stack((left, top))
    return Candidates(
        np.asarray(heat[0, rows, columns], np.float32),
        np.asarray(corners, np.float32),
        np.asarray(points.transpose(2, 0, 1), np.float32),
    )
