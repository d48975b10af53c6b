"""What face embedders of aligned faces have in common: cut, normalise, look both ways, add."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perse.domain.alignment import ChipFrame, Places, SimilarityTransform
from perse.domain.geometry import Landmarks
from perse.domain.references import Template
from perse.domain.samples import FaceImage, ModelName, Pixels
from perse.imaging.cutting import cut_chip
from perse.networks.face_chip import Planes, planes_of
from perse.networks.session import Session

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


class ChipEmbedder:
    """Embeds the aligned face and its mirror image and adds the features.

    ``places``: where the detector's five points belong on the chip, in its pixels.
    """

    def __init__(
        self, session: Session, model: ModelName, chip: ChipInput, *, places: Places
    ) -> None:
        self._session = session
        self._model = model
        self._input = chip
        self._places = places

    @property
    def model(self) -> ModelName:
        return self._model

    def embed(self, image: FaceImage, landmarks: Landmarks) -> Template:
        """The template of the face with these landmarks.

        Raises InvalidParameter when the landmarks coincide or the features have no direction.
        """
        to_chip = SimilarityTransform.fit(landmarks.points, self._places)
        planes = self._input.planes(cut_chip(image.pixels, to_chip, self._input.frame.size_px))
        features = self._features(planes) + self._features(planes[..., ::-1])
        return Template.of(np.asarray(features, np.float32), self._model)

    def _features(self, planes: Planes) -> Planes:
        """One dimension, float32, not normalised."""
        planes = np.ascontiguousarray(planes)
        features = self._session.run({self._session.input_names[0]: planes})[0]
        return np.asarray(features, np.float32).reshape(-1)
