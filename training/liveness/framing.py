"""Where the face is and which part of the picture the network sees."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from camera import Generator, Picture

from perse.domain.geometry import Box, Framing
from perse.domain.samples import FaceImage, ModelName
from perse.networks.session import open_session
from perse.networks.yunet import YunetDetector

LEAST_FACE_SCORE = 0.5
REACH = 2.0


@dataclass(frozen=True, slots=True)
class Sighting:
    """A picture (RGB) and the box of its largest face."""

    picture: Picture
    box: Box


class Finder:
    """The largest face of a picture by YuNet-n."""

    def __init__(self, weights: Path) -> None:
        self._detector = YunetDetector(
            open_session(weights), ModelName("yunet_n"), threshold=LEAST_FACE_SCORE
        )

    def largest(self, picture: Picture) -> Sighting | None:
        height, width = picture.shape[:2]
        framing = Framing.whole(width, height)
        faces = self._detector.find(FaceImage(picture), framing)
        if not faces:
            return None
        return Sighting(picture, max(faces, key=lambda face: face.box.area).box)


def near(sighting: Sighting) -> Sighting:
    """REACH times the longer box side on each side of the face: more no crop can show."""
    height, width = sighting.picture.shape[:2]
    box, (x, y) = sighting.box, sighting.box.centre
    reach = REACH * box.longer_side
    left, top = max(0, int(x - reach)), max(0, int(y - reach))
    right, bottom = min(width, int(x + reach)), min(height, int(y + reach))
    part = np.ascontiguousarray(sighting.picture[top:bottom, left:right])
    return Sighting(part, Box(box.left - left, box.top - top, box.width, box.height))


def mirrored(sighting: Sighting) -> Sighting:
    """Left and right change places."""
    picture, box = sighting.picture, sighting.box
    moved = Box(picture.shape[1] - box.right, box.top, box.width, box.height)
    return Sighting(np.ascontiguousarray(picture[:, ::-1]), moved)


def read_rgb(path: Path) -> Picture:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise FileNotFoundError(path)
    return np.ascontiguousarray(picture[..., ::-1])


def shaken(box: Box, rng: Generator) -> Box:
    """Another detector's box of the same face: shifted, longer or shorter, wider or narrower."""
    width, height = box.width, box.height
    if rng.random() < 0.4:
        width = height = box.longer_side * rng.uniform(0.85, 1.05)
    width, height = width * rng.uniform(0.85, 1.2), height * rng.uniform(0.85, 1.2)
    x, y = box.centre
    x += rng.normal(0, 0.04) * box.width
    y += rng.normal(0, 0.05) * box.height
    return Box(x - width / 2, y - height / 2, width, height)
