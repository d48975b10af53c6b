"""Whatever is done to a file, it is decoded or refused: nothing else ever comes out.

``benchmarks/voice_mutations.py`` does the same with many more and watches the memory.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from perse.errors import InputError
from perse.media.audio_decoder import AudioLimits, decode_audio
from tests.media.mutations import mutations
from tests.media.recordings import encoded, tone

LIMITS = AudioLimits(max_duration_s=5, max_values=1_000_000)
SOUND = tone(440, seconds=0.2, rate_hz=8_000)
RECORDINGS: Mapping[str, bytes] = {
    "wav": encoded(SOUND, 8_000),
    "wav a-law": encoded(SOUND, 8_000, subtype="ALAW"),
    "wav extensible, stereo": encoded(np.stack([SOUND, SOUND], axis=1), 8_000, "WAVEX", "FLOAT"),
    "ogg vorbis": encoded(SOUND, 8_000, "OGG", "VORBIS"),
    "ogg opus": encoded(SOUND, 8_000, "OGG", "OPUS"),
}


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
