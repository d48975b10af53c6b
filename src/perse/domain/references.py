"""Templates: what is compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perse.domain.samples import ModelName
from perse.errors import InvalidParameter, ReferenceModelMismatch

_UNIT_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """Unit vector (float32, one dimension) and the name of the network that made it."""

    vector: NDArray[np.float32]
    model: ModelName

    def __post_init__(self) -> None:
        if self.vector.dtype != np.float32 or self.vector.ndim != 1:
            raise InvalidParameter("a template must be a one-dimensional float32 vector")
        if not abs(float(np.linalg.norm(self.vector)) - 1.0) < _UNIT_TOLERANCE:
            raise InvalidParameter("a template must be a unit vector")

    @classmethod
    def of(cls, features: NDArray[np.float32], model: ModelName) -> Template:
        """Normalise ``features``. Raises InvalidParameter when they have no direction."""
        length = float(np.linalg.norm(features))
        if not (np.isfinite(length) and length > 0):
            raise InvalidParameter("features without direction make no template")
        return cls((features / length).astype(np.float32), model)

    def cosine(self, other: Template) -> float:
        """-1..1, higher = more similar. Raises ReferenceModelMismatch across networks."""
        if self.model != other.model:
            raise ReferenceModelMismatch(
                f"templates of {self.model} and {other.model} do not compare: "
                "make both with the same network"
            )
        return float(np.clip(self.vector @ other.vector, -1.0, 1.0))

    def __repr__(self) -> str:
        return f"Template({self.model}, {len(self.vector)} values)"
