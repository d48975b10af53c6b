"""CAM++: whose voice it is. Its graph is described in weights/conversions/campplus.

Input ``bands`` 1 x frames x 80, the log filter bank of domain/filterbank at 16 kHz less its mean
over time; outputs ``features`` 1 x 192 and ``parts``, 192 values for every 1.5 s, not normalised.
From the features is taken what is no one's own: the mean over a cohort, and the directions in which
noise, rooms and codings move all voices, because strangers would match in them. Both are fitted by
``training/voice``; docs/voice.md says what each step is worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perse.domain.filterbank import RATE_HZ, log_mel, mean_subtracted
from perse.domain.references import Template
from perse.domain.samples import VoiceSample
from perse.domain.speech import SpeechSegment, speech_only, without_stillness
from perse.domain.voice_obstacles import HeardVoices, agreement
from perse.domain.voices import EmbeddedVoice
from perse.errors import InvalidParameter
from perse.networks.network import Network

FEATURES = 192
_MARGIN_S = 0.12
# Fewer frames have no deviation over time.
_FEWEST_FRAMES = 10
_PART_FRAMES = 150
_FEWEST_FRAMES_OF_A_PART = 75

Features = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class CampplusSpeakerEmbedder(Network):
    """Templates of recordings of 16 kHz.

    ``cohort``: what many people have in common, as ``without_common`` takes it; ``crowd``: what
    tells several at once, as ``crowding`` takes it.
    """

    cohort: Features
    crowd: Features

    def embed(self, sample: VoiceSample, speech: Sequence[SpeechSegment]) -> EmbeddedVoice:
        """The template of the speech in ``sample``, how far its parts of 1.5 s agree, and whether
        several people seem to speak at once.

        Raises InvalidParameter unless it has 16 kHz and a tenth of a second of speech.
        """
        features, parts = self.features(sample, speech)
        template = Template.of(without_common(features, self.cohort), self.model)
        agreeing = agreement(without_common(parts, self.cohort))
        return EmbeddedVoice(template, HeardVoices(agreeing, float(crowding(features, self.crowd))))

    def features(
        self, sample: VoiceSample, speech: Sequence[SpeechSegment]
    ) -> tuple[Features, Features]:
        """The network's answers: 192 values, what a cohort's mean is made of, and as many for each
        part of 1.5 s of speech."""
        if sample.rate_hz != RATE_HZ:
            raise InvalidParameter(f"voices are compared at {RATE_HZ} Hz, not {sample.rate_hz}")
        spoken = speech_only(sample, speech, margin_s=_MARGIN_S)
        heard = without_stillness(spoken, rate_hz=RATE_HZ)
        bands = log_mel(heard)
        if len(bands) < _FEWEST_FRAMES:
            raise InvalidParameter("there is too little speech to make a template of")
        features, parts = self.session.run({"bands": mean_subtracted(bands)[np.newaxis]})
        rest = len(bands) % _PART_FRAMES
        whole = parts[:-1] if 0 < rest < _FEWEST_FRAMES_OF_A_PART else parts
        return np.asarray(features[0], np.float32), np.asarray(whole, np.float32)


def without_common(features: Features, cohort: Features) -> Features:
    """``features``, 192 values or rows of them, less what they share with all voices. ``cohort``:
    its mean in the first row, then orthonormal directions in which conditions move voices
    (nuisance attribute projection: Solomonoff, Quillen and Campbell 2004)."""
    own, directions = features - cohort[0], cohort[1:]
    return np.asarray(own - own @ directions.T @ directions, np.float32)


def crowding(features: Features, crowd: Features) -> NDArray[np.float64]:
    """Log odds that several people speak at once, of ``features`` as the network gives them, 192
    values or rows of them. ``crowd``: weights of the features and of the logarithm of their length,
    which is less where voices cover each other, and a constant."""
    lengths = np.linalg.norm(features.astype(np.float64), axis=-1)
    return np.asarray(features @ crowd[:-2] + np.log(lengths) * crowd[-2] + crowd[-1], np.float64)
