"""Where a detector looks for faces, and how closely: one glance, then only what is needed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from perse.domain.geometry import DetectedFace, Framing
from perse.errors import InvalidParameter


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """Sizes of the looks at a picture. All lengths are canvas pixels.

    ``glance_px``: longer side of the first look. ``greatest_scale``: how far a small picture is
    enlarged for it. ``small_face_px``: a face no longer than this at a glance calls for the close
    look, because where it is there may be smaller ones. ``close_px``: longer side of the close
    look, which never enlarges a picture. It is cut into tiles of at most ``tile_px``, so that
    memory does not grow with the picture; they overlap by ``overlap_px``, the largest face that
    the close look reports. ``step_back_px``: longer side of a picture laid in a margin of half its
    size, for a face larger than the picture.
    """

    glance_px: int
    small_face_px: int
    close_px: int
    tile_px: int
    overlap_px: int
    step_back_px: int
    greatest_scale: float = 2.0

    def __post_init__(self) -> None:
        if not 0 < self.overlap_px < self.tile_px:
            raise InvalidParameter("tiles must be longer than their overlap")

    def glance(self, width_px: int, height_px: int) -> Framing:
        """The whole picture."""
        scale = min(self.glance_px / max(width_px, height_px), self.greatest_scale)
        return Framing.whole(width_px, height_px, scale=scale)

    def step_back(self, width_px: int, height_px: int) -> Framing:
        """The picture with a margin of half its longer side all around."""
        longer = max(width_px, height_px)
        margin = longer // 2
        scale = min(self.step_back_px / longer, self.greatest_scale)
        return Framing(-margin, -margin, width_px + margin, height_px + margin, scale)

    def close(self, width_px: int, height_px: int) -> Sequence[Framing]:
        """The picture in overlapping tiles."""
        scale = min(self.close_px / max(width_px, height_px), 1.0)
        return [
            Framing(left, top, right, bottom, scale)
            for top, bottom in self._spans(height_px, scale)
            for left, right in self._spans(width_px, scale)
        ]

    def is_close_worthwhile(self, faces: Sequence[DetectedFace], glance: Framing) -> bool:
        """Whether the glance found nothing, or faces so small that others may have escaped it."""
        if not faces:
            return True
        return min(face.box.longer_side for face in faces) * glance.scale <= self.small_face_px

    def _spans(self, length_px: int, scale: float) -> Iterator[tuple[int, int]]:
        """Starts and ends, in picture pixels, of the fewest equal tiles that cover the length."""
        overlap = math.ceil(self.overlap_px / scale)
        tile = max(int(self.tile_px / scale), overlap + 1)
        count = max(1, math.ceil((length_px - overlap) / (tile - overlap)))
        step = max(0.0, (length_px - overlap) / count)
        for index in range(count):
            start = round(index * step)
            yield start, min(length_px, math.ceil(start + step) + overlap)


def reaches_into(framing: Framing, face: DetectedFace, *, width_px: int, height_px: int) -> bool:
    """Whether ``face`` ends at a side of ``framing`` beyond which the picture goes on.

    Such a face is cut by the tile and stands whole in the next one.
    """
    box, gap = face.box, 1.0 / framing.scale
    return (
        (framing.left > 0 and box.left < framing.left + gap)
        or (framing.top > 0 and box.top < framing.top + gap)
        or (framing.right < width_px and box.right > framing.right - gap)
        or (framing.bottom < height_px and box.bottom > framing.bottom - gap)
    )
