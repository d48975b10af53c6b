"""How one face detector places its five points: each does it a little differently."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from perse.domain.alignment import Places, read_only


@dataclass(frozen=True, slots=True, eq=False)
class DetectorPoints:
    """Right eye, left eye, nose, right and left corner of the mouth, as one detector places them.

    ``canon``: 5 x 2, where they lie on the common frame of domain/alignment once the landmarks are
    refined (``fitted_canon``). ``head``: 5 x 3, the rigid head that they lie on, in the camera
    frame of domain/pose, its middle at 0. Both are read-only.
    """

    canon: Places
    head: Places

    @classmethod
    def of(cls, *, canon: ArrayLike, head: ArrayLike) -> DetectorPoints:
        points = np.array(head, np.float64)
        return cls(read_only(canon), read_only(points - points.mean(axis=0)))
