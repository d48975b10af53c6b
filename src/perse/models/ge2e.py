"""GE2E: whose voice it is, from 1.6 s windows of mel power.

Wan et al. 2018, "Generalized end-to-end loss for speaker verification"; the network of the
package Resemblyzer. Input ``mels`` windows x 160 x 40, mel power of speech at 16 kHz, 25 ms every
10 ms; output ``features`` windows x 256. In training the features were rectified and brought to
unit length. Here a template is made of two views, the rectified features and the plain ones: each
is averaged over the windows, moved by what is common to all voices under the recording's
conditions (the mean over a cohort) and brought to unit length; then the plain view counts for less
(``_PLAIN_WEIGHT``). The means are fitted by ``training/voice``; docs/voice.md says what each step
is worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from perse.domain.filterbank import Spectrum, cut_windows, level_db, mel_power
from perse.domain.references import Template
from perse.domain.samples import ModelName, VoiceSample
from perse.domain.speech import SpeechSegment, speech_only
from perse.domain.voice_quality import VoiceQuality, assess_voice
from perse.errors import InvalidParameter
from perse.models.session import Session

RATE_HZ = 16_000
FEATURES = 256
_MARGIN_S = 0.12
_LEVEL_DB = -22.0
_WINDOW, _STEP, _BANDS = 400, 160, 40
_FRAMES, _FRAME_STEP = 160, 80
_WINDOWS_AT_A_TIME = 64
_PLAIN_WEIGHT = 0.5
SNR_KNOTS_DB = (5.0, 10.0, 15.0, 20.0, 30.0)
CONDITIONS = 2 * len(SNR_KNOTS_DB)
_WIDE_FROM_HZ = 4500.0
_TINY = 1e-6

Views = NDArray[np.float32]


class Ge2eSpeakerEmbedder:
    """Templates of recordings of 16 kHz.

    ``cohort``: conditions x 2 x 256, the mean of each view (rectified, plain) over many people
    under each condition of ``condition_weights``; None takes the one that ships with perse.
    """

    def __init__(self, session: Session, model: ModelName, *, cohort: Views | None = None) -> None:
        self._session = session
        self._model = model
        self._cohort = shipped_cohort() if cohort is None else cohort

    @property
    def model(self) -> ModelName:
        return self._model

    def embed(self, sample: VoiceSample, speech: Sequence[SpeechSegment]) -> Template:
        """The template of the speech in ``sample``.

        Raises InvalidParameter unless it has 16 kHz and some speech.
        """
        weights = condition_weights(assess_voice(sample, speech))
        common = np.tensordot(weights, self._cohort, axes=1)
        return Template.of(joined(self.views(sample, speech) - common), self._model)

    def views(self, sample: VoiceSample, speech: Sequence[SpeechSegment]) -> Views:
        """Both views before anything is taken off, 2 x 256: what a cohort's mean is made of."""
        if sample.rate_hz != RATE_HZ:
            raise InvalidParameter(f"voices are compared at {RATE_HZ} Hz, not {sample.rate_hz}")
        windows = windows_of(speech_only(sample, speech, margin_s=_MARGIN_S))
        blocks = range(0, len(windows), _WINDOWS_AT_A_TIME)
        features = [
            self._session.run({"mels": windows[first : first + _WINDOWS_AT_A_TIME]})[0]
            for first in blocks
        ]
        return views_of(np.concatenate(features))


def windows_of(speech: NDArray[np.float32]) -> Spectrum:
    """Mel windows of ``speech`` at the training level: windows x 160 x 40, float32.

    Raises InvalidParameter when there is none.
    """
    if not speech.any():
        raise InvalidParameter("there is no speech to make a template of")
    mel = mel_power(speech, rate_hz=RATE_HZ, window=_WINDOW, step=_STEP, bands=_BANDS)
    mel *= np.float32(10 ** ((_LEVEL_DB - level_db(speech)) / 10))
    return cut_windows(mel, length=_FRAMES, step=_FRAME_STEP)


def condition_weights(quality: VoiceQuality) -> Views:
    """How much a recording stands under each condition: float32, ten values that sum to 1.

    Five signal-to-noise ratios (``SNR_KNOTS_DB``) of wide-band recordings, then five of telephone
    recordings; between two ratios both count.
    """
    weights = np.zeros((2, len(SNR_KNOTS_DB)), dtype=np.float32)
    place = float(np.interp(quality.snr_db, SNR_KNOTS_DB, range(len(SNR_KNOTS_DB))))
    lower = min(int(place), len(SNR_KNOTS_DB) - 2)
    row = int(quality.bandwidth_hz < _WIDE_FROM_HZ)
    weights[row, lower] = 1 - (place - lower)
    weights[row, lower + 1] = place - lower
    return weights.ravel()


def views_of(features: NDArray[np.float32]) -> Views:
    """Windows x 256 -> 2 x 256: unit mean of the rectified features, unit mean of the plain."""
    both = np.stack([np.maximum(features, 0), features])
    return unit(unit(both).mean(axis=1))


def joined(views: Views) -> NDArray[np.float32]:
    """... x 2 x 256 -> ... x 512: both views, each of unit length, the plain one weighed down."""
    weighed = unit(views) * np.array([[1.0], [_PLAIN_WEIGHT]], dtype=np.float32)
    return weighed.reshape(*weighed.shape[:-2], 2 * FEATURES)


def unit(vectors: Views) -> Views:
    """Each vector of the last axis with length 1; one without direction stays 0."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, _TINY), dtype=np.float32)


@lru_cache(maxsize=1)
def shipped_cohort() -> Views:
    """The cohort means that ship with perse, 10 x 2 x 256, read-only."""
    with files("perse.models").joinpath("weights", "ge2e_cohort.npy").open("rb") as file:
        cohort: Views = np.load(file, allow_pickle=False)
    cohort.flags.writeable = False
    return cohort
