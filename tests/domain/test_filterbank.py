from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from perse.domain.filterbank import (
    cut_windows,
    hz_of_mel,
    level_db,
    mel_of_hz,
    mel_power,
    mel_weights,
)

RATE_HZ = 16_000


def _chirp() -> NDArray[np.float32]:
    time_s = np.arange(RATE_HZ) / RATE_HZ
    chirp = 0.3 * np.sin(2 * np.pi * (100 * time_s + 1500 * time_s**2))
    ringing = 0.1 * np.sin(2 * np.pi * 440 * time_s) * np.exp(-3 * time_s)
    return (chirp + ringing).astype(np.float32)


def _mel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    return mel_power(samples, rate_hz=RATE_HZ, window=400, step=160, bands=40)


# By librosa 0.10.2 (melspectrogram, n_fft 400, hop 160, 40 bands), run apart from perse:
# frame -> bands 0, 5, 12, 20, 30, 39.
GOLDEN = {
    0: [4.62608, 0.521188, 0.00149955, 0.000111126, 6.59813e-06, 1.36226e-06],
    50: [5.82101e-11, 0.0818212, 4.60894e-09, 0.221303, 2.70893e-13, 1.78157e-16],
    100: [0.00149323, 0.00264911, 0.00137395, 0.00274501, 0.00889411, 0.000286544],
}


@pytest.mark.parametrize("frame", GOLDEN)
def test_mel_power_is_librosas(frame: int) -> None:
    mel = _mel(_chirp())
    assert mel.shape == (101, 40)
    assert mel.dtype == np.float32
    np.testing.assert_allclose(
        mel[frame, [0, 5, 12, 20, 30, 39]], GOLDEN[frame], rtol=1e-4, atol=1e-8
    )


def test_many_frames_are_the_same_as_few() -> None:
    noise = np.random.default_rng(2).normal(size=25 * RATE_HZ).astype(np.float32)
    np.testing.assert_allclose(_mel(noise)[40:60], _mel(noise[: 2 * RATE_HZ])[40:60], rtol=1e-5)


def test_a_tone_sounds_in_its_band() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE_HZ) / RATE_HZ).astype(np.float32)
    centres = hz_of_mel(np.linspace(0, float(mel_of_hz(np.array(8000.0))), 42))[1:-1]
    assert np.argmax(_mel(tone)[50]) == np.argmin(np.abs(centres - 1000))


def test_power_follows_the_square_of_the_level() -> None:
    np.testing.assert_allclose(_mel(_chirp() * 2), _mel(_chirp()) * 4, rtol=1e-4, atol=1e-9)


@given(st.floats(0, 8000))
def test_the_mel_scale_turns_back(hz: float) -> None:
    assert float(hz_of_mel(mel_of_hz(np.array(hz)))) == pytest.approx(hz, abs=1e-6)


def test_weights_are_shared_and_read_only() -> None:
    weights = mel_weights(bands=40, window=400, rate_hz=RATE_HZ)
    assert weights.shape == (201, 40)
    with pytest.raises(ValueError, match="read-only"):
        weights[0] = 1


def test_levels_in_db_of_full_scale() -> None:
    assert level_db(np.full(100, -1, np.float32)) == pytest.approx(0, abs=1e-6)
    assert level_db(np.full(100, 0.1, np.float32)) == pytest.approx(-20, abs=1e-4)
    assert level_db(np.zeros(100, np.float32)) == pytest.approx(-100)
    assert level_db(np.empty(0, np.float32)) == pytest.approx(-100)


@pytest.mark.parametrize(
    ("frames", "first_frames"),
    [(1, [0]), (3, [0]), (4, [0]), (5, [0, 1]), (6, [0, 2]), (7, [0, 2, 3]), (8, [0, 2, 4])],
)
def test_windows_reach_from_the_first_to_the_last_frame(
    frames: int, first_frames: list[int]
) -> None:
    rows = np.repeat(np.arange(frames, dtype=np.float32)[:, np.newaxis], 2, axis=1)
    windows = cut_windows(rows, length=4, step=2)
    assert windows[:, 0, 0].tolist() == first_frames
    assert windows.shape[1:] == (4, 2)
    assert windows[-1, -1, 0] == (frames - 1 if frames >= 4 else 3 % frames)
