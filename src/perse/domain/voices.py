"""What the voice use cases answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields

from perse.domain.references import BiometricReference, Template
from perse.domain.samples import ModelName
from perse.domain.speech import SpeechSegment
from perse.domain.voice_obstacles import HeardVoices
from perse.domain.voice_quality import VoiceQuality, VoiceRequirements


@dataclass(frozen=True, slots=True)
class EmbeddedVoice:
    """What an embedder hears in a recording."""

    template: Template
    voices: HeardVoices = field(default_factory=HeardVoices)


@dataclass(frozen=True, slots=True)
class CapturedVoice:
    """A recording ready to be compared."""

    template: Template
    quality: VoiceQuality
    voices: HeardVoices = field(default_factory=HeardVoices)

    @classmethod
    def kept_as(cls, reference: BiometricReference) -> CapturedVoice:
        """The recording that was enrolled, as far as it is to be compared."""
        kept = reference.record.quality
        quality = VoiceQuality(**{measure.name: kept[measure.name] for measure in _MEASURES})
        voices = HeardVoices(**{it.name: kept.get(it.name) for it in fields(HeardVoices)})
        return cls(reference.template, quality, voices)

    def to_keep(self) -> Mapping[str, float]:
        """What ``kept_as`` needs beside the template."""
        told = asdict(self.quality) | asdict(self.voices)
        return {name: round(float(it), 6) for name, it in told.items() if it is not None}


_MEASURES = fields(VoiceQuality)


@dataclass(frozen=True, slots=True)
class InspectedVoice:
    """A recording that is looked at by itself. ``speech``: where somebody speaks, in order.
    ``obstacle``: why it cannot be compared with others, as a sentence, None where it can."""

    quality: VoiceQuality
    speech: Sequence[SpeechSegment]
    voices: HeardVoices
    obstacle: str | None
    models: Mapping[str, ModelName]


@dataclass(frozen=True, slots=True)
class VoiceComparison:
    """``similarity``: 0..1 on the calibrated scale; ``supported``: whether it lies between
    measured operating points; ``cosine``: -1..1, corrected for duration; ``obstacle``: why the
    similarity says little, as a sentence, None where nothing speaks against it; ``first`` and
    ``second``: how good the recordings are."""

    similarity: float
    supported: bool
    cosine: float
    obstacle: str | None
    first: VoiceQuality
    second: VoiceQuality
    models: Mapping[str, ModelName]


@dataclass(frozen=True, slots=True)
class VoiceThresholds:
    """``similarity``: default threshold; ``similarity_by_fmr`` is keyed "1e-2" and so on;
    ``recording``: what the recordings should have. ``operating_points``: what the similarity
    stands on, the catalogue or the id of this installation's own."""

    similarity: float
    similarity_by_fmr: Mapping[str, float]
    recording: VoiceRequirements
    operating_points: Mapping[str, str] = field(default_factory=dict)
