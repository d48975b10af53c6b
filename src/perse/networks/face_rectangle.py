"""The rectangle around a face that attack detectors look at."""

from __future__ import annotations

from perse.domain.geometry import Box
from perse.domain.samples import FaceImage, Pixels
from perse.imaging.halves import seen_at
from perse.imaging.shrinking import shrink_smoothly


def face_rectangle(image: FaceImage, box: Box, *, scale: float, size_px: int) -> Pixels:
    """``size_px`` x ``size_px`` RGB: ``scale`` times ``box``, same centre, what is in the picture.

    What lies beyond the picture is left out, and the rest stretched to the square.
    """
    x, y = box.centre
    left, right = _within(x, box.width * scale, image.width_px)
    top, bottom = _within(y, box.height * scale, image.height_px)
    # Twice as large as needed: its pixels fall less far beside the rectangle's edges.
    pixels, times = seen_at(image, 2 * size_px / min(right - left, bottom - top))
    rows, columns = slice(top >> times, bottom >> times), slice(left >> times, right >> times)
    return shrink_smoothly(pixels[rows, columns], (size_px, size_px))


def _within(middle: float, length: float, end: int) -> tuple[int, int]:
    """First and last + 1, at least one pixel apart, of ``length`` around ``middle`` in 0..end."""
    first = min(max(0, int(middle - length / 2)), end - 1)
    return first, max(first + 1, min(end, int(middle + length / 2)))
