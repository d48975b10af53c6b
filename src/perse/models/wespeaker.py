"""WeSpeaker ResNet34-LM: whose voice it is, from a log mel filter bank.

github.com/wenet-e2e/wespeaker, exported by k2-fsa/sherpa-onnx. Input 1 x frames x 80: Kaldi's log
filter bank (25 ms Hamming windows every 10 ms at 16 kHz, no dither) of samples on the 16-bit
scale, each band less its mean over time. Output 1 x 256. The filter bank is the library
kaldi-native-fbank, which the extra ``perse[server]`` brings.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perse.domain.references import Template
from perse.domain.samples import ModelName, VoiceSample
from perse.domain.speech import SpeechSegment, speech_only
from perse.errors import InvalidParameter, NetworkUnusable
from perse.models.session import Session

RATE_HZ = 16_000
BANDS = 80
_MARGIN_S = 0.12
_SIXTEEN_BITS = 32768.0

Frames = NDArray[np.float32]


class WespeakerSpeakerEmbedder:
    """Templates of recordings of 16 kHz. Raises NetworkUnusable without kaldi-native-fbank."""

    def __init__(self, session: Session, model: ModelName) -> None:
        self._session = session
        self._model = model
        self._kaldi = _filter_bank_library()

    @property
    def model(self) -> ModelName:
        return self._model

    def embed(self, sample: VoiceSample, speech: Sequence[SpeechSegment]) -> Template:
        """The template of the speech in ``sample``.

        Raises InvalidParameter unless it has 16 kHz and at least 25 ms of speech.
        """
        if sample.rate_hz != RATE_HZ:
            raise InvalidParameter(f"voices are compared at {RATE_HZ} Hz, not {sample.rate_hz}")
        frames = log_mel(speech_only(sample, speech, margin_s=_MARGIN_S), self._kaldi)
        if not len(frames):
            raise InvalidParameter("there is too little speech to make a template of")
        (name,) = self._session.input_names
        features = self._session.run({name: mean_subtracted(frames)[np.newaxis]})[0]
        return Template.of(features[0].astype(np.float32), self._model)


def log_mel(samples: NDArray[np.float32], kaldi: Any) -> Frames:  # noqa: ANN401 - has no types
    """Kaldi's log filter bank of mono ``samples`` (-1..1, 16 kHz): frames x 80."""
    options = kaldi.FbankOptions()
    options.frame_opts.samp_freq = RATE_HZ
    options.frame_opts.dither = 0.0
    options.frame_opts.window_type = "hamming"
    options.mel_opts.num_bins = BANDS
    bank = kaldi.OnlineFbank(options)
    bank.accept_waveform(RATE_HZ, samples * _SIXTEEN_BITS)
    bank.input_finished()
    frames = [bank.get_frame(index) for index in range(bank.num_frames_ready)]
    return np.array(frames, dtype=np.float32).reshape(-1, BANDS)


def mean_subtracted(frames: Frames) -> Frames:
    """Each band less its mean over time: what a fixed microphone adds is gone."""
    return np.asarray(frames - frames.mean(axis=0), dtype=np.float32)


def _filter_bank_library() -> Any:  # noqa: ANN401 - has no types
    try:
        return import_module("kaldi_native_fbank")
    except ImportError:
        raise NetworkUnusable(
            "WeSpeaker needs kaldi-native-fbank: pip install 'perse[server]'"
        ) from None
