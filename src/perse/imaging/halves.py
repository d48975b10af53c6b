"""A picture halved again and again, once for everything that looks at it from afar."""

from __future__ import annotations

from typing import Final

from perse.domain.samples import FaceImage, Pixels
from perse.imaging.shrinking import halved, halvings, resized

# Of a larger one the next half is kept alone: memory must not grow by a third with the picture.
_LARGEST_KEPT_BYTES: Final = 4_000_000


def shrink_picture(image: FaceImage, size_px: tuple[int, int]) -> Pixels:
    """The whole picture as ``shrink_smoothly`` makes it. Any number of threads may ask at once."""
    times = halvings((image.width_px, image.height_px), size_px)
    return resized(_halved_times(image, times), size_px)


def seen_at(image: FaceImage, scale: float) -> tuple[Pixels, int]:
    """What to cut something from that is shown at ``scale``, and how often that is halved already.

    The picture itself where no half is enough, or none that is kept: halving all of a large picture
    for each cut would cost more than the cut.
    """
    width, height = image.width_px, image.height_px
    times = 0
    while scale <= 0.5 ** (times + 1) and min(width, height) >> times + 1:
        times += 1
    read_so = 0 < image.reduced <= times
    if read_so or 3 * (width >> times) * (height >> times) <= _LARGEST_KEPT_BYTES:
        return _halved_times(image, times), times
    return image.pixels, 0


def _halved_times(image: FaceImage, times: int) -> Pixels:
    if times == 0:
        return image.pixels
    kept = image.halves.get(times)
    if kept is None:
        kept = halved(_halved_times(image, times - 1))
        if kept.nbytes <= _LARGEST_KEPT_BYTES:
            image.halves[times] = kept
    return kept
