"""Compare the voices of two recordings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from perse.domain.decisions import SimilarityScale
from perse.domain.samples import ModelName, VoiceSample
from perse.domain.speech import net_speech_s
from perse.domain.voice_quality import assess_voice
from perse.domain.voices import CapturedVoice, DurationCorrection, VoiceComparison
from perse.errors import NoSpeechDetected
from perse.pipelines.ports import SideBySide, SpeakerEmbedder, SpeechDetector, in_turn


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that is decoded when it is needed. ``name`` is what messages call it."""

    name: str
    load: Callable[[], VoiceSample]


@dataclass(frozen=True, slots=True)
class CaptureVoice:
    """The template and the quality of a recording.

    Raises NoSpeechDetected, naming the recording and how much speech was found in it, when that
    is less than ``least_speech_s`` seconds.
    """

    detector: SpeechDetector
    embedder: SpeakerEmbedder
    least_speech_s: float = 1.0

    def __call__(self, recording: Recording) -> CapturedVoice:
        sample = recording.load()
        speech = self.detector.detect(sample)
        found_s = net_speech_s(speech)
        if found_s < self.least_speech_s:
            raise NoSpeechDetected(
                f"{recording.name} holds {found_s:.1f} s of speech in {sample.duration_s:.1f} s, "
                f"and {self.least_speech_s:g} s is the least: record a few seconds of one person "
                "speaking, close to the microphone"
            )
        return CapturedVoice(self.embedder.embed(sample, speech), assess_voice(sample, speech))

    @property
    def models(self) -> Mapping[str, ModelName]:
        return {"speech_detector": self.detector.model, "speaker_embedder": self.embedder.model}


@dataclass(frozen=True, slots=True)
class CompareVoices:
    """Use case: is it one person who speaks in two recordings?"""

    capture: CaptureVoice
    scale: SimilarityScale
    durations: DurationCorrection

    def __call__(
        self, first: Recording, second: Recording, *, side_by_side: SideBySide = in_turn
    ) -> VoiceComparison:
        """Raises NoSpeechDetected as ``CaptureVoice`` does."""
        return self.judge(*side_by_side(lambda: self.capture(first), lambda: self.capture(second)))

    def judge(self, first: CapturedVoice, second: CapturedVoice) -> VoiceComparison:
        """Compare two captures. Raises ReferenceModelMismatch across networks."""
        cosine = self.durations.corrected(
            first.template.cosine(second.template),
            first.quality.net_speech_s,
            second.quality.net_speech_s,
        )
        return VoiceComparison(
            similarity=self.scale.similarity(cosine),
            supported=self.scale.supported(cosine),
            cosine=cosine,
            first=first.quality,
            second=second.quality,
            models=self.capture.models,
        )
