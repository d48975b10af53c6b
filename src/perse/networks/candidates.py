"""What a face detector proposes before overlapping proposals are thinned out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perse.domain.geometry import Box, DetectedFace, Framing, Landmarks, suppress_overlaps

_OVERLAP = 0.3

Rows = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """n proposals on a canvas, float32, in canvas pixels.

    ``scores``: n, 0..1, higher = more surely a face. ``corners``: n x 4, left, top, right, bottom.
    ``points``: n x 5 x 2, in the order of Landmarks.
    """

    scores: Rows
    corners: Rows
    points: Rows

    @classmethod
    def together(cls, parts: Sequence[Candidates]) -> Candidates:
        """All of ``parts``, in that order; none where there is no part."""
        none = cls(*(np.empty((0, *sides), np.float32) for sides in ((), (4,), (5, 2))))
        scores, corners, points = zip(
            *((it.scores, it.corners, it.points) for it in (none, *parts)), strict=True
        )
        return cls(np.concatenate(scores), np.concatenate(corners), np.concatenate(points))

    def usable(self) -> Candidates:
        """Those with finite numbers and a box of some size."""
        finite = np.isfinite(self.corners).all(axis=1) & np.isfinite(self.points).all(axis=(1, 2))
        sized = (self.corners[:, 2:] - self.corners[:, :2] > 1).all(axis=1)
        keep = finite & sized
        return Candidates(self.scores[keep], self.corners[keep], self.points[keep])


def faces_among(candidates: Candidates, framing: Framing) -> list[DetectedFace]:
    """The usable candidates that no better one overlaps, in picture pixels, best first."""
    usable = candidates.usable()
    kept = suppress_overlaps(usable.corners, usable.scores, overlap=_OVERLAP)
    corners = framing.to_picture(usable.corners[kept].reshape(-1, 2, 2))
    points = framing.to_picture(usable.points[kept])
    return [
        DetectedFace(_box(corner), Landmarks(face_points), min(float(score), 1.0))
        for corner, face_points, score in zip(corners, points, usable.scores[kept], strict=True)
    ]


def _box(corners: Rows) -> Box:
    (left, top), (right, bottom) = corners.tolist()
    return Box(left, top, right - left, bottom - top)
