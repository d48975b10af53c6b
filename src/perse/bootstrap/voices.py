"""The voice pipeline of one pack."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import Field, dataclass, fields
from functools import partial
from typing import Any

from perse.bootstrap.adapters import Opener, opened
from perse.bootstrap.local_points import named_points
from perse.bootstrap.similarity import claims_of
from perse.bootstrap.weights import PackOnDisk
from perse.domain.decisions import SimilarityScale
from perse.domain.samples import VoiceSample
from perse.domain.stranger_spread import SpreadCorrection
from perse.domain.voice_obstacles import VoiceLimits
from perse.domain.voice_quality import VoiceRequirements
from perse.domain.voices import VoiceThresholds
from perse.errors import CatalogInvalid
from perse.media.audio_decoder import AudioLimits, decode_audio
from perse.media.audio_length import AudioLength, measure_audio
from perse.networks.campplus import CampplusSpeakerEmbedder
from perse.networks.silero_vad import SileroSpeechDetector
from perse.pipelines.ports import SpeakerEmbedder, SpeechDetector
from perse.pipelines.timed_parts import TimedSpeakerEmbedder, TimedSpeechDetector, timed_decoder
from perse.pipelines.voice import CaptureVoice, CompareVoices, InspectVoice
from perse.search.measured import Measured
from perse.settings import Settings
from perse.weights.cards import ModelCard
from perse.weights.cohort import shipped_cohort, shipped_crowd

_DETECTORS: Mapping[str, Opener[SpeechDetector]] = {
    "silero_vad": lambda session, card: SileroSpeechDetector(session, card.name),
}
_EMBEDDERS: Mapping[str, Opener[SpeakerEmbedder]] = {
    "campplus": lambda session, card: CampplusSpeakerEmbedder(
        session, card.name, shipped_cohort(), shipped_crowd()
    ),
}


@dataclass(frozen=True, slots=True)
class VoiceSensing:
    """What comes before any decision: recordings become templates."""

    decode: Callable[[bytes], VoiceSample]
    capture: CaptureVoice
    correction: SpreadCorrection


@dataclass(frozen=True, slots=True)
class VoiceServices:
    """Everything about voices, of one pack; every call blocks and may run beside others,
    but for ``measure``, which takes microseconds."""

    decode: Callable[[bytes], VoiceSample]
    measure: Callable[[bytes], AudioLength]
    capture: CaptureVoice
    compare: CompareVoices
    thresholds: VoiceThresholds
    searched: Measured

    @property
    def inspect(self) -> InspectVoice:
        return InspectVoice(self.capture, self.compare.limits)


def open_voices(settings: Settings, on_disk: PackOnDisk) -> VoiceServices:
    """The voice pipeline of a pack that must have one. Raises SetupError."""
    voices = wire_voices(settings, on_disk)
    if voices is None:
        raise CatalogInvalid(
            f"the pack {on_disk.pack.name} compares no voices: it has no networks for them, or "
            "nobody has measured operating points of its speaker embedder"
        )
    return voices


def wire_voices(settings: Settings, on_disk: PackOnDisk) -> VoiceServices | None:
    """Open the voice networks of a pack and put the pipeline together.

    None for a pack without them, and for one whose embedder nobody has measured: its similarity
    would mean nothing. Raises SetupError.
    """
    speaker = on_disk.cards.get("speaker_embedder")
    if speaker is None or speaker.operating_points is None:
        return None
    sensing = wire_voice_sensing(settings, on_disk)
    if sensing is None:
        return None
    scale = SimilarityScale(speaker.operating_points.points)
    return VoiceServices(
        decode=sensing.decode,
        measure=partial(measure_audio, longest_s=settings.max_audio_s),
        capture=sensing.capture,
        compare=CompareVoices(sensing.capture, scale, sensing.correction, voice_limits(speaker)),
        thresholds=VoiceThresholds(
            similarity=scale.threshold(settings.voice_fmr or on_disk.pack.default_voice_fmr),
            similarity_by_fmr=scale.thresholds(),
            recording=VoiceRequirements(),
            operating_points=named_points(on_disk.local_points, similarity="voice"),
        ),
        searched=Measured(speaker.name, claims_of(speaker)),
    )


def wire_voice_sensing(settings: Settings, on_disk: PackOnDisk) -> VoiceSensing | None:
    """The same without thresholds: also for networks that nobody has measured yet. None for a
    pack without voices."""
    cards = on_disk.cards
    speech, speaker = cards.get("speech_detector"), cards.get("speaker_embedder")
    if speech is None or speaker is None:
        return None
    open_one = partial(opened, on_disk, threads=settings.threads_per_network)
    capture = CaptureVoice(
        detector=TimedSpeechDetector(open_one("speech_detector", _DETECTORS)),
        embedder=TimedSpeakerEmbedder(open_one("speaker_embedder", _EMBEDDERS)),
    )
    limits = AudioLimits(settings.max_audio_bytes, settings.max_audio_s)
    decode = timed_decoder(partial(decode_audio, limits=limits))
    return VoiceSensing(decode, capture, spread_correction(speaker))


def spread_correction(card: ModelCard) -> SpreadCorrection:
    """From the card's parameters ``spread_*``; without them nothing is corrected.

    Raises CatalogInvalid for one that is no number, and for one of the name it once had.
    """
    former = next((name for name in card.parameters if name.startswith("duration_")), None)
    if former:
        raise CatalogInvalid(
            f"{card.name}: {former} is called {former.replace('duration', 'spread')} now"
        )
    return SpreadCorrection(**_numbers(card, "spread", fields(SpreadCorrection)))


def voice_limits(card: ModelCard) -> VoiceLimits:
    """From the card's parameters ``limit_*``; without them every similarity is assessable.

    Raises CatalogInvalid for one that is no number.
    """
    return VoiceLimits(**_numbers(card, "limit", fields(VoiceLimits)))


def _numbers(card: ModelCard, prefix: str, wanted: Iterable[Field[Any]]) -> dict[str, float]:
    given: dict[str, float] = {}
    for field in wanted:
        value = card.parameters.get(f"{prefix}_{field.name}", field.default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise CatalogInvalid(f"{card.name}: {prefix}_{field.name} must be a number")
        given[field.name] = float(value)
    return given
