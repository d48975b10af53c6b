"""perse_pad: our own detector of printed and displayed faces. Its recipe is training/liveness.

Input N x 3 x 128 x 128, RGB 0..1: the square of 2.0 times the longer box side, borders mirrored.
Output N x 1: log odds of a bona fide presentation, before calibration.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from perse.domain.decisions import PadScore
from perse.domain.geometry import Box
from perse.domain.samples import FaceImage
from perse.networks.face_square import face_square, unit_planes
from perse.networks.network import Network
from perse.networks.pad_scale import PadScale

SHIPPED_FILE: Final = "perse_pad_v1.onnx"
SIZE_PX: Final = 128
SCALE: Final = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class PersePadDetector(Network):
    """Tells live faces from prints and screens. ``scale``: the calibration of the weight file."""

    scale: PadScale

    def score(self, image: FaceImage, box: Box) -> PadScore:
        """0..1, higher = more bona fide. Raises NetworkUnusable."""
        return self.scale.score(self.log_odds(image, box))

    def log_odds(self, image: FaceImage, box: Box) -> float:
        """Before calibration. Raises NetworkUnusable."""
        return log_odds_from(self.session.run({"input": tensor_of(image, box)}))


def tensor_of(image: FaceImage, box: Box) -> NDArray[np.float32]:
    """1 x 3 x 128 x 128, RGB 0..1."""
    return unit_planes(face_square(image, box, scale=SCALE, size_px=SIZE_PX))


def log_odds_from(outputs: list[NDArray[np.float32]]) -> float:
    """The first row's log odds of a bona fide presentation."""
    return float(outputs[0][0, 0])
