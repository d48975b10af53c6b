from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from perse.domain.decisions import OperatingPoint, SimilarityScale
from perse.domain.references import Template
from perse.domain.samples import ModelName, VoiceSample
from perse.domain.speech import SpeechSegment
from perse.domain.stranger_spread import SpreadCorrection
from perse.domain.voice_obstacles import HeardVoices, VoiceLimits
from perse.domain.voices import EmbeddedVoice
from perse.errors import NoSpeechDetected, ReferenceModelMismatch
from perse.pipelines.voice import CaptureVoice, CompareVoices, Recording

SCALE = SimilarityScale((OperatingPoint(1e-1, 0.3), OperatingPoint(1e-2, 0.5)))
DURATIONS = SpreadCorrection(slope=0.14)


@dataclass
class FakeDetector:
    """As many tenths of a second of speech as the recording's first sample says."""

    model: ModelName = ModelName("detector")

    def detect(self, sample: VoiceSample) -> Sequence[SpeechSegment]:
        seconds = float(sample.samples[0]) * 10
        return (SpeechSegment(0, seconds),) if seconds else ()


@dataclass
class FakeEmbedder:
    """The second sample is the angle between voices, in radians, the third how far the parts of
    the recording agree."""

    model: ModelName = ModelName("embedder")
    seen: list[Sequence[SpeechSegment]] = field(default_factory=list)

    def embed(self, sample: VoiceSample, speech: Sequence[SpeechSegment]) -> EmbeddedVoice:
        self.seen.append(speech)
        angle = float(sample.samples[1])
        template = Template.of(np.array([np.cos(angle), np.sin(angle)], np.float32), self.model)
        return EmbeddedVoice(template, HeardVoices(float(sample.samples[2]) or None))


def _recording(
    name: str, *, seconds: float = 2.5, angle: float = 0.0, agreement: float = 0.0
) -> Recording:
    samples = np.zeros(16_000, np.float32)
    samples[:3] = seconds / 10, angle, agreement
    return Recording(name, lambda: VoiceSample(samples, 16_000))


@pytest.fixture
def compare() -> CompareVoices:
    return CompareVoices(CaptureVoice(FakeDetector(), FakeEmbedder()), SCALE, DURATIONS)


def test_one_voice_is_similar(compare: CompareVoices) -> None:
    comparison = compare(_recording("a"), _recording("b"))
    assert comparison.cosine == pytest.approx(1)
    assert comparison.similarity > 0.6
    assert comparison.models == {"speech_detector": "detector", "speaker_embedder": "embedder"}


def test_two_voices_are_not(compare: CompareVoices) -> None:
    comparison = compare(_recording("a"), _recording("b", angle=1.5))
    assert comparison.similarity < 0.5
    assert not comparison.supported


def test_the_threshold_of_a_rate_is_its_similarity(compare: CompareVoices) -> None:
    comparison = compare(_recording("a"), _recording("b", angle=float(np.arccos(0.5))))
    assert comparison.similarity == pytest.approx(0.6, abs=1e-3)


def test_the_same_cosine_says_less_of_longer_recordings(compare: CompareVoices) -> None:
    short = compare(_recording("a"), _recording("b", angle=1.0))
    long = compare(_recording("a", seconds=9), _recording("b", seconds=9, angle=1.0))
    assert long.similarity < short.similarity


def test_each_recording_keeps_its_own_quality(compare: CompareVoices) -> None:
    comparison = compare(_recording("a", seconds=2), _recording("b", seconds=3))
    assert comparison.first.net_speech_s == pytest.approx(2)
    assert comparison.second.net_speech_s == pytest.approx(3)


@pytest.mark.parametrize("agreement", [0.0, 0.31])
def test_what_one_person_said_alone_is_assessable(compare: CompareVoices, agreement: float) -> None:
    limited = replace(compare, limits=VoiceLimits(agreement=0.3))
    comparison = limited(_recording("a", agreement=agreement), _recording("b"))
    assert comparison.obstacle is None


@pytest.mark.parametrize(("name", "agreements"), [("first", (0.2, 0.0)), ("second", (0.5, 0.29))])
def test_several_voices_in_one_recording_are_told_and_in_which(
    compare: CompareVoices, name: str, agreements: tuple[float, float]
) -> None:
    limited = replace(compare, limits=VoiceLimits(agreement=0.3))
    comparison = limited(*(_recording("x", agreement=agreement) for agreement in agreements))
    assert comparison.obstacle is not None
    assert f"several voices seem to be heard in the {name} recording" in comparison.obstacle


@pytest.mark.parametrize("seconds", [0.0, 0.99])
def test_too_little_speech_is_said_of_the_right_recording(
    compare: CompareVoices, seconds: float
) -> None:
    with pytest.raises(NoSpeechDetected) as refusal:
        compare(_recording("the first"), _recording("the second", seconds=seconds))
    assert refusal.value.message.startswith(f"the second holds {seconds:.1f} s of speech in 1.0 s")


def test_templates_of_two_networks_do_not_compare(compare: CompareVoices) -> None:
    other = CaptureVoice(FakeDetector(), FakeEmbedder(ModelName("another")))
    with pytest.raises(ReferenceModelMismatch):
        compare.judge(compare.capture(_recording("a")), other(_recording("b")))


def test_a_capture_shows_nothing_of_the_voice(compare: CompareVoices) -> None:
    assert "[" not in repr(compare.capture(_recording("a")).template)
