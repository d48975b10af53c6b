"""Quality of a picture and of a face in it, 29794-5 style.

The measures follow ISO/IEC 29794-5 as its reference implementation OFIQ 1.0.3 computes them, at a
fixed size and over our own face region: no conformance is claimed. Each has a native measure and a
component 0..100 (higher is better). How they are read off pixels: ``imaging/quality.py``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from perse.domain.sigmoid import component, sigmoid

# Faces are judged in a square of this side, the eyes about 35 px apart as embedders see them, so
# that neither cost nor result depends on the size of the picture.
FACE_SIZE_PX = 96
# Pictures are judged shrunk to at most this on the longer side.
IMAGE_SIZE_PX = 256


@dataclass(frozen=True, slots=True)
class ImageMetrics:
    """``underexposure``, ``overexposure``: share of pixels; ``colour``: 0..1; lower is better.
    ``sharpness``: 0..1, higher is better.

    ``cast`` is the native measure behind ``colour``: distance from natural colour in CIELAB,
    None (failure to assess) for a picture without colour, whose ``colour`` is 1: it lost it all.
    """

    underexposure: float
    overexposure: float
    sharpness: float
    colour: float
    cast: float | None = None

    @property
    def components(self) -> Mapping[str, int]:
        """0..100 each, higher is better."""
        return {
            "underexposure": underexposure_component(self.underexposure),
            "overexposure": overexposure_component(self.overexposure),
            "sharpness": round(100 * self.sharpness),
            "colour": round(100 * (1 - self.colour)),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceMetrics(ImageMetrics):
    """The same of the face region, and ``rotation``: degrees away from the camera, 0 is best."""

    rotation: float


def underexposure_component(share: float) -> int:
    """Stays near 100 up to three quarters: a dark skin well lit has a large dark share."""
    return component(120 * (0.832 - sigmoid(share, 0.92, 0.05)))


def overexposure_component(share: float) -> int:
    """Falls at once: what is burnt out is lost."""
    return component(1 / (share + 0.01))


def pose_component(angle: float) -> int:
    """Of yaw, pitch or roll in degrees."""
    return component(100 * max(0.0, math.cos(math.radians(angle))) ** 2)
