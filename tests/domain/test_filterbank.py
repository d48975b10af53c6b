from __future__ import annotations

import kaldi_native_fbank as kaldi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from perse.domain.filterbank import BANDS, FRAME, STEP, log_mel, mean_subtracted, mel_weights

RATE_HZ = 16_000
Samples = NDArray[np.float32]


def _noise(length: int) -> Samples:
    return np.random.default_rng(length).normal(0, 0.1, length).astype(np.float32)


def _by_kaldi(samples: Samples) -> Samples:
    options = kaldi.FbankOptions()
    options.frame_opts.samp_freq = RATE_HZ
    options.frame_opts.dither = 0.0
    options.frame_opts.window_type = "povey"
    options.mel_opts.num_bins = BANDS
    bank = kaldi.OnlineFbank(options)
    bank.accept_waveform(RATE_HZ, samples * 32768)
    bank.input_finished()
    return np.array([bank.get_frame(index) for index in range(bank.num_frames_ready)], np.float32)


@pytest.mark.parametrize("samples", [_noise(FRAME), _noise(RATE_HZ), _noise(200_000)])
def test_bands_are_those_of_kaldi(samples: Samples) -> None:
    np.testing.assert_allclose(log_mel(samples), _by_kaldi(samples), atol=2e-3)


@given(st.integers(0, 4000))
def test_frames_lie_wholly_inside(length: int) -> None:
    bands = log_mel(np.zeros(length, np.float32))
    assert bands.shape == (max(0, 1 + (length - FRAME) // STEP), BANDS)
    assert np.isfinite(bands).all()


def test_a_louder_recording_differs_by_a_constant_that_the_mean_takes_off() -> None:
    quiet, loud = _noise(RATE_HZ), _noise(RATE_HZ) * np.float32(3)
    np.testing.assert_allclose(log_mel(loud) - log_mel(quiet), 2 * np.log(3), atol=1e-3)
    np.testing.assert_allclose(
        mean_subtracted(log_mel(loud)), mean_subtracted(log_mel(quiet)), atol=1e-3
    )
    assert abs(mean_subtracted(log_mel(quiet)).mean(axis=0)).max() < 1e-4


def test_weights_are_shared_and_cannot_be_changed() -> None:
    weights = mel_weights()
    assert weights.shape == (257, BANDS)
    assert weights is mel_weights()
    with pytest.raises(ValueError, match="read-only"):
        weights[0] = 1
