"""Embedding with landmarks that were looked at twice."""

from __future__ import annotations

from dataclasses import dataclass

from perse.domain.geometry import Landmarks
from perse.domain.references import Template
from perse.domain.samples import FaceImage, ModelName
from perse.pipelines.ports import FaceEmbedder, LandmarkRefiner


@dataclass(frozen=True, slots=True)
class RefinedEmbedder:
    """Locates the landmarks anew before it embeds. Satisfies FaceEmbedder.

    Operating points hold for the embedder together with its refiner.
    """

    refiner: LandmarkRefiner
    embedder: FaceEmbedder

    @property
    def model(self) -> ModelName:
        return self.embedder.model

    def embed(self, image: FaceImage, landmarks: Landmarks) -> Template:
        return self.embedder.embed(image, self.refiner.refine(image, landmarks))
