"""minifas: printed and displayed faces. johnraivenolazo/face-antispoof-onnx.

Input N x 3 x 128 x 128, RGB 0..1: the square of 1.5 times the longer box side, borders mirrored.
Output N x 2 logits, live first.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from perse.domain.decisions import PadScore
from perse.domain.geometry import Box
from perse.domain.samples import FaceImage, ModelName
from perse.models.face_square import face_square, unit_planes
from perse.models.pad_scale import PadScale
from perse.models.session import Session

SIZE_PX: Final = 128
SCALE: Final = 1.5


class MinifasDetector:
    """Tells live faces from prints and screens. ``scale``: our calibration of its log odds."""

    def __init__(self, session: Session, model: ModelName, *, scale: PadScale) -> None:
        self._session = session
        self._model = model
        self._scale = scale
        self._input = session.input_names[0]

    @property
    def model(self) -> ModelName:
        return self._model

    def score(self, image: FaceImage, box: Box) -> PadScore:
        """0..1, higher = more bona fide. Raises NetworkUnusable."""
        return self._scale.score(self.log_odds(image, box))

    def log_odds(self, image: FaceImage, box: Box) -> float:
        """Before calibration. Raises NetworkUnusable."""
        square = face_square(image.pixels, box, scale=SCALE, size_px=SIZE_PX)
        return log_odds_from(self._session.run({self._input: unit_planes(square)}))


def log_odds_from(outputs: list[NDArray[np.float32]]) -> float:
    """The first row's log odds of a bona fide presentation."""
    live, attack = outputs[0][0]
    return float(live - attack)
