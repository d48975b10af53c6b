"""Whatever is done to a file, it is decoded or refused: nothing else ever comes out.

``python -m tests.campaign`` does the same with many more and watches the memory.
"""

from __future__ import annotations

import numpy as np
import pytest

from perse.errors import InputError
from perse.media.audio_decoder import AudioLimits, decode_audio
from tests.media.mutations import mutations
from tests.media.recordings import good_recordings

LIMITS = AudioLimits(max_duration_s=5, max_values=1_000_000)
RECORDINGS = good_recordings()


@pytest.mark.parametrize("name", RECORDINGS)
def test_mutated_files_are_decoded_or_refused(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    decoded = refused = 0
    for data in mutations(RECORDINGS[name], 240, seed=len(name)):
        try:
            sample = decode_audio(data, LIMITS)
        except InputError:
            refused += 1
        else:
            assert sample.duration_s <= LIMITS.max_duration_s + 0.1
            assert float(np.abs(sample.samples).max(initial=0)) <= 1
            decoded += 1
    assert decoded > 5
    assert refused > 5
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("", "")
