"""Inspect recordings, and compare the voices of two of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from perse.domain.decisions import SimilarityScale
from perse.domain.samples import ModelName, VoiceSample
from perse.domain.speech import SpeechSegment, net_speech_s
from perse.domain.stranger_spread import SpreadCorrection
from perse.domain.voice_obstacles import HeardVoices, VoiceLimits
from perse.domain.voice_quality import assess_voice
from perse.domain.voices import CapturedVoice, InspectedVoice, VoiceComparison
from perse.errors import NoSpeechDetected, NotFound
from perse.pipelines.ports import SideBySide, SpeakerEmbedder, SpeechDetector, in_turn
from perse.stages import Stage, during

_NAMES = ("the first recording", "the second recording")


def no_voices() -> NotFound:
    """What is said where the pack compares no voices."""
    return NotFound("the networks of this server compare no voices: choose another pack")


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
        return self.of_speech(recording.name, sample, self.detector.detect(sample))

    def of_speech(
        self, name: str, sample: VoiceSample, speech: Sequence[SpeechSegment]
    ) -> CapturedVoice:
        """The same of a recording whose ``speech`` is known."""
        found_s = net_speech_s(speech)
        if found_s < self.least_speech_s:
            raise NoSpeechDetected(
                f"{name} holds {found_s:.1f} s of speech in {sample.duration_s:.1f} s, "
                f"and {self.least_speech_s:g} s is the least: record a few seconds of one person "
                "speaking, close to the microphone"
            )
        voice = self.embedder.embed(sample, speech)
        return CapturedVoice(voice.template, assess_voice(sample, speech), voice.voices)

    @property
    def models(self) -> Mapping[str, ModelName]:
        return {"speech_detector": self.detector.model, "speaker_embedder": self.embedder.model}


@dataclass(frozen=True, slots=True)
class InspectVoice:
    """Use case: how good is a recording, and could it be compared? Too little speech is an
    answer."""

    capture: CaptureVoice
    limits: VoiceLimits = field(default_factory=VoiceLimits)

    def __call__(self, recording: Recording) -> InspectedVoice:
        sample, models = recording.load(), self.capture.models
        speech = self.capture.detector.detect(sample)
        try:
            heard = self.capture.of_speech(recording.name, sample, speech)
        except NoSpeechDetected as missing:
            quality = assess_voice(sample, speech)
            return InspectedVoice(quality, speech, HeardVoices(), missing.message, models)
        quality, voices = heard.quality, heard.voices
        obstacles = self.limits.obstacles("this recording", voices, snr_db=quality.snr_db)
        return InspectedVoice(quality, speech, voices, next(obstacles, None), models)


@dataclass(frozen=True, slots=True)
class CompareVoices:
    """Use case: is it one person who speaks in two recordings?"""

    capture: CaptureVoice
    scale: SimilarityScale
    correction: SpreadCorrection
    limits: VoiceLimits = field(default_factory=VoiceLimits)

    def __call__(
        self, first: Recording, second: Recording, *, side_by_side: SideBySide = in_turn
    ) -> VoiceComparison:
        """Raises NoSpeechDetected as ``CaptureVoice`` does."""
        one, other = side_by_side(lambda: self.capture(first), lambda: self.capture(second))
        with during(Stage.COMPARE):
            return self.judge(one, other)

    def judge(
        self, first: CapturedVoice, second: CapturedVoice, names: tuple[str, str] = _NAMES
    ) -> VoiceComparison:
        """Compare two captures; ``names``: what an obstacle calls them.

        Raises ReferenceModelMismatch across networks.
        """
        heard = first.template.cosine(second.template)
        cosine = float(self.correction.corrected(heard, first.quality, second.quality))
        return VoiceComparison(
            similarity=self.scale.similarity(cosine),
            supported=self.scale.supported(cosine),
            cosine=cosine,
            obstacle=self.obstacle(first, second, names),
            first=first.quality,
            second=second.quality,
            models=self.capture.models,
        )

    def obstacle(
        self, first: CapturedVoice, second: CapturedVoice, names: tuple[str, str] = _NAMES
    ) -> str | None:
        """Why the similarity of these two says little, as a sentence; None where it does not."""
        sentences = (
            sentence
            for name, voice in zip(names, (first, second), strict=True)
            for sentence in self.limits.obstacles(name, voice.voices, snr_db=voice.quality.snr_db)
        )
        return next(sentences, None)
