"""What a request is expected to cost, by a quick look at what was sent.

The figures are of two cores in 2026. They need not be right: they only order requests that wait,
and a tenant is charged in the end for what its work really took, however many faces there were.
"""

from __future__ import annotations

from perse.api.admission.door import Load
from perse.api.services import Faces, Voices
from perse.media.image_decoder import ImageSize

_NETWORKS_S = 0.02
_PER_PIXEL_S = 12e-9
_PER_SCANNED_PIXEL_S = 0.6e-9
_PER_SECOND_OF_SOUND_S = 0.009
# Any worker has memory for so much; what is larger shares what there is.
_SMALL_PIXELS = 4_000_000
_SMALL_SOUND_S = 15.0
# benchmarks/largest_pictures.py: 276 MB for the worst 40 megapixels that the limits let through.
BYTES_PER_PIXEL = 7
_BYTES_PER_SECOND_OF_SOUND = 1_100_000


def of_pictures(faces: Faces, *contents: bytes) -> Load:
    """The load of finding and judging the faces of these pictures."""
    return of_sizes(*map(faces.measure, contents))


def of_sizes(*sizes: ImageSize) -> Load:
    """The same of pictures that were looked at already."""
    seconds = (
        _NETWORKS_S + size.pixels * _PER_PIXEL_S + size.scanned * _PER_SCANNED_PIXEL_S
        for size in sizes
    )
    large = (size.pixels for size in sizes if size.pixels > _SMALL_PIXELS)
    return Load(sum(seconds), BYTES_PER_PIXEL * sum(large))


def of_recordings(voices: Voices, *contents: bytes) -> Load:
    """The load of finding and judging the speech of these recordings."""
    lengths = [voices.measure(content) for content in contents]
    seconds = (_NETWORKS_S + length.told_s * _PER_SECOND_OF_SOUND_S for length in lengths)
    # A file that lies is charged in the end for the time it took, but memory must be there before.
    long_s = (length.most_s for length in lengths if length.most_s > _SMALL_SOUND_S)
    return Load(sum(seconds), int(_BYTES_PER_SECOND_OF_SOUND * sum(long_s)))


def shared_bytes(workers: int, max_pixels: int) -> int:
    """What all large pictures and long recordings in work may need together: a phone's picture
    of 12 megapixels for every worker, and the largest picture that is taken at least."""
    return BYTES_PER_PIXEL * max(max_pixels, workers * 12_000_000)
