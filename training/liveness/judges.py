"""The networks of others: soft labels for training, and company in every table of figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from camera import Picture
from framing import Sighting
from numpy.typing import NDArray

from perse.domain.samples import FaceImage
from perse.imaging.shrinking import shrink_smoothly
from perse.networks.face_square import face_square
from perse.networks.session import Session, open_session

NAMES = ("minifas", "teacher_2.7", "teacher_4.0")


class Judges:
    """Logit of "bona fide" by minifas_97.80 (crop 1.5) and two MiniFASNets (crops 2.7 and 4.0)."""

    def __init__(self, models: Path) -> None:
        self._minifas = open_session(models / "minifas_97.80.onnx")
        self._teachers = (
            (open_session(models / "teachers/minifasnet_v2_2.7.onnx"), 2.7),
            (open_session(models / "teachers/minifasnet_v1se_4.0.onnx"), 4.0),
        )

    def __call__(self, sighting: Sighting) -> tuple[float, float, float]:
        """Log odds in the order of NAMES; higher = more bona fide."""
        seen = face_square(FaceImage(sighting.picture), sighting.box, scale=1.5, size_px=128)
        tensor = np.ascontiguousarray(seen.transpose(2, 0, 1)[None].astype(np.float32) / 255)
        live, spoof = self._minifas.run({"input": tensor})[0][0]
        first, second = (self._teach(session, sighting, scale) for session, scale in self._teachers)
        return float(live - spoof), first, second

    def _teach(self, session: Session, sighting: Sighting, scale: float) -> float:
        seen = shrink_smoothly(_inside(sighting, scale), (80, 80))
        tensor = np.ascontiguousarray(seen[..., ::-1].transpose(2, 0, 1)[None].astype(np.float32))
        logits: NDArray[np.float32] = session.run({"input": tensor})[0][0]
        rest = np.logaddexp(float(logits[0]), float(logits[2]))
        return float(logits[1] - rest)


def _inside(sighting: Sighting, scale: float) -> Picture:
    """``scale`` times the box, made smaller and moved so that it lies inside the picture."""
    height, width = sighting.picture.shape[:2]
    box = sighting.box
    scale = min(scale, (width - 1) / box.width, (height - 1) / box.height)
    crop_width, crop_height = box.width * scale, box.height * scale
    left = min(max(box.centre[0] - crop_width / 2, 0), width - 1 - crop_width)
    top = min(max(box.centre[1] - crop_height / 2, 0), height - 1 - crop_height)
    right, bottom = int(left + crop_width) + 1, int(top + crop_height) + 1
    return np.ascontiguousarray(sighting.picture[int(top) : bottom, int(left) : right])
