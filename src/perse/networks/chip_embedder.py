"""What face embedders of aligned faces have in common: cut, normalise, look both ways, add."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from perse.domain.alignment import ChipFrame, Places, SimilarityTransform
from perse.domain.geometry import Landmarks
from perse.domain.references import Template, Traits
from perse.domain.samples import FaceImage, Pixels
from perse.imaging.cutting import cut_chip
from perse.networks.face_chip import Planes, planes_of
from perse.networks.network import Network

Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class ChipInput:
    """What a network takes: 1 x 3 x size x size, (pixel - mean) / std per channel of 0..255.

    ``mean`` and ``std`` are in the order of the channels: blue first where ``bgr``.
    """

    frame: ChipFrame
    mean: Triple = (0.0, 0.0, 0.0)
    std: Triple = (1.0, 1.0, 1.0)
    bgr: bool = False

    def planes(self, chip: Pixels) -> Planes:
        """``chip`` (H x W x 3, RGB) as the network takes it."""
        return planes_of(chip[..., ::-1] if self.bgr else chip, self.mean, self.std)


@dataclass(frozen=True, slots=True, eq=False)
class ChipEmbedder(Network):
    """Embeds the aligned face and its mirror image and adds the features.

    ``places``: where the detector's five points belong on the chip, in its pixels.
    """

    chip: ChipInput
    places: Places

    def embed(self, image: FaceImage, landmarks: Landmarks) -> Template:
        """The template of the face with these landmarks, with its traits.

        Raises InvalidParameter when the landmarks coincide or the features have no direction.
        """
        to_chip = SimilarityTransform.fit(landmarks.points, self.places)
        cut = cut_chip(image, to_chip, self.chip.frame.size_px)
        planes = self.chip.planes(cut)
        face, mirrored = self._features(planes), self._features(planes[..., ::-1])
        return Template.of(face + mirrored, self.model, _traits(face, mirrored))

    def _features(self, planes: Planes) -> Planes:
        """One dimension, float32, not normalised."""
        planes = np.ascontiguousarray(planes)
        features = self.session.run({self.session.input_names[0]: planes})[0]
        return np.asarray(features, np.float32).reshape(-1)


def _traits(face: Planes, mirrored: Planes) -> Traits | None:
    """None where the features of one have no direction, or the two cancel each other."""
    shared = float(face @ mirrored)
    lengths = math.sqrt(float(face @ face) * float(mirrored @ mirrored))
    together = float(np.linalg.norm(face + mirrored)) / 2
    if not (lengths > 0 and together > 0):
        return None
    return Traits(together, max(-1.0, min(1.0, shared / lengths)))
