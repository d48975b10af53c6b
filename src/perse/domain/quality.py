"""Quality of a picture and of a face in it, 29794-5 style."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImageMetrics:
    """``underexposure``, ``overexposure``, ``colour``: 0..1, lower is better; ``sharpness``: 0..1,
    higher is better."""

    underexposure: float
    overexposure: float
    sharpness: float
    colour: float


@dataclass(frozen=True, slots=True)
class FaceMetrics(ImageMetrics):
    """The same of the face region, and ``rotation``: degrees away from the camera, 0 is best."""

    rotation: float
