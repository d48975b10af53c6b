"""Whatever is done to a file, it is decoded or refused: nothing else ever comes out.

``python -m tests.campaign`` does the same with many more and watches the memory.
"""

from __future__ import annotations

import pytest

from perse.errors import InputError
from perse.media.image_decoder import ImageLimits, decode_image
from tests.media.mutations import good_files, mutations

LIMITS = ImageLimits(max_pixels=1_000_000, max_scans=20)


@pytest.mark.parametrize("name", sorted(good_files()))
def test_mutated_files_are_decoded_or_refused(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    decoded = refused = 0
    for data in mutations(good_files()[name], 2000, seed=len(name)):
        try:
            image = decode_image(data, LIMITS)
        except InputError:
            refused += 1
        else:
            assert image.width_px * image.height_px <= LIMITS.max_pixels
            decoded += 1
    assert decoded > 5
    assert refused > 500
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("", "")
