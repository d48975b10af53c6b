"""What the fit of voices computed is computed once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perse.networks.campplus import FEATURES
from training.voice.kept import KeptVoices
from training.voice.trials import Voices


def _voices(count: int = 3) -> Voices:
    return Voices(
        speakers=np.array([f"speaker {number}" for number in range(count)]),
        sources=np.arange(count),
        features=np.ones((count, FEATURES), np.float32),
        net_s=np.full(count, 2.5),
        snr_db=np.full(count, 20.0),
        bandwidth_hz=np.full(count, 8000.0),
        parts=np.arange(4 * FEATURES, dtype=np.float32).reshape(4, FEATURES),
        part_of=np.array([0, 0, 2, 2]),
        lost=1,
    )


def _never() -> Voices:
    raise AssertionError("computed again")


def test_a_second_run_computes_nothing_again(tmp_path: Path) -> None:
    kept = KeptVoices(tmp_path)
    first = kept.of("pink noise, 10 dB", _voices)
    again = kept.of("pink noise, 10 dB", _never)
    assert again.speakers.tolist() == first.speakers.tolist() == _voices().speakers.tolist()
    assert again.parts.tolist() == _voices().parts.tolist()
    assert again.lost == 1


def test_a_run_that_was_cut_off_leaves_nothing_half(tmp_path: Path) -> None:
    kept = KeptVoices(tmp_path)
    with pytest.raises(AssertionError):
        kept.of("clips", _never)
    assert kept.of("clips", _voices).lost == 1


def test_each_condition_has_a_file_of_its_own(tmp_path: Path) -> None:
    kept = KeptVoices(tmp_path)
    kept.of("Opus, 16 kbit/s", _voices)
    assert len(kept.of("Opus, 6 kbit/s", lambda: _voices(4)).speakers) == 4


def test_the_parts_of_a_recording_stay_with_it() -> None:
    chosen = _voices().of(np.array([False, True, True]))
    assert chosen.part_of.tolist() == [1, 1]
    assert chosen.parts.tolist() == _voices().parts[2:].tolist()
