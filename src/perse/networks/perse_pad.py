"""perse_pad: our own detector of printed and displayed faces. Its recipe is training/liveness.

Input N x 3 x 128 x 128, RGB 0..1: 2.7 times the box, as far as the picture reaches.
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
from perse.networks.face_chip import unit_planes
from perse.networks.face_rectangle import face_rectangle
from perse.networks.network import Network
from perse.networks.pad_scale import PadScale

SHIPPED_FILE: Final = "perse_pad_v2.onnx"
SIZE_PX: Final = 128
SCALE: Final = 2.7


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
    return unit_planes(face_rectangle(image, box, scale=SCALE, size_px=SIZE_PX))


def log_odds_from(outputs: list[NDArray[np.float32]]) -> float:
    """The first row's log odds of a bona fide presentation."""
    return float(outputs[0][0, 0])
