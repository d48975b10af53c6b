"""CAM++: whose voice it is. Its graph is described in convert/campplus.

Input ``bands`` 1 x frames x 80, the log filter bank of domain/filterbank at 16 kHz less its mean
over time; output ``features`` 1 x 192, not normalised. From the features is taken what is common to
all voices under the recording's conditions (the mean over a cohort), because noise and telephones
move all voices in one direction and strangers would match in it. The means are fitted by
``training/voice``; docs/voice.md says what each step is worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from perse.domain.filterbank import RATE_HZ, log_mel, mean_subtracted
from perse.domain.references import Template
from perse.domain.samples import VoiceSample
from perse.domain.speech import SpeechSegment, speech_only
from perse.domain.voice_quality import VoiceQuality, assess_voice
from perse.errors import InvalidParameter
from perse.networks.network import Network

FEATURES = 192
SNR_KNOTS_DB = (5.0, 10.0, 15.0, 20.0, 30.0)
CONDITIONS = 2 * len(SNR_KNOTS_DB)

_MARGIN_S = 0.12
_WIDE_FROM_HZ = 4500.0
# Fewer frames have no deviation over time.
_FEWEST_FRAMES = 10

Features = NDArray[np.float32]


@lru_cache(maxsize=1)
def shipped_cohort() -> Features:
    """The cohort means that ship with perse, 10 x 192, read-only."""
    with files("perse.weights").joinpath("shipped", "campplus_cohort.npy").open("rb") as file:
        cohort: Features = np.load(file, allow_pickle=False)
    cohort.flags.writeable = False
    return cohort


@dataclass(frozen=True, slots=True, eq=False)
class CampplusSpeakerEmbedder(Network):
    """Templates of recordings of 16 kHz.

    ``cohort``: conditions x 192, the mean features of many people under each condition of
    ``condition_weights``; by default the one that ships with perse.
    """

    cohort: Features = field(default_factory=shipped_cohort)

    def embed(self, sample: VoiceSample, speech: Sequence[SpeechSegment]) -> Template:
        """The template of the speech in ``sample``.

        Raises InvalidParameter unless it has 16 kHz and a tenth of a second of speech.
        """
        common = condition_weights(assess_voice(sample, speech)) @ self.cohort
        return Template.of(self.features(sample, speech) - common, self.model)

    def features(self, sample: VoiceSample, speech: Sequence[SpeechSegment]) -> Features:
        """The network's answer, 192 values: what a cohort's mean is made of."""
        if sample.rate_hz != RATE_HZ:
            raise InvalidParameter(f"voices are compared at {RATE_HZ} Hz, not {sample.rate_hz}")
        heard = speech_only(sample, speech, margin_s=_MARGIN_S)
        bands = log_mel(heard)
        if len(bands) < _FEWEST_FRAMES or not heard.any():
            raise InvalidParameter("there is too little speech to make a template of")
        (features,) = self.session.run({"bands": mean_subtracted(bands)[np.newaxis]})
        return np.asarray(features[0], np.float32)


def condition_weights(quality: VoiceQuality) -> Features:
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
