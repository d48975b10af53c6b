"""Which recordings may be enrolled, and how much speech of a person they should hold together."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from perse.domain.enrolment_gate import EnrolmentGate
from perse.domain.references import ReferenceRecord
from perse.domain.voice_obstacles import VoiceLimits
from perse.domain.voice_quality import VoiceRequirements, judge_voice
from perse.domain.voices import CapturedVoice
from perse.errors import RecordingUnusable

# Of all samples of a voice together: two ordinary clips, which err far less than one.
WANTED_SPEECH_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class VoiceGate:
    """As ``EnrolmentGate`` says it of faces: ``STANDARD`` refuses a voice that is not alone or that
    noise covers, ``STRICT`` whatever fails a verdict."""

    gate: EnrolmentGate
    limits: VoiceLimits
    requirements: VoiceRequirements

    def check(self, voice: CapturedVoice, *, name: str) -> None:
        """Raises RecordingUnusable, calling the recording ``name``."""
        advice = next(iter(self._advice(voice, name)), None)
        if advice:
            raise RecordingUnusable(f"this voice would not be recognised again. {advice}")

    def _advice(self, voice: CapturedVoice, name: str) -> Iterable[str]:
        if self.gate is not EnrolmentGate.CONTRACT:
            yield from self.limits.obstacles(name, voice.voices, snr_db=voice.quality.snr_db)
        if self.gate is EnrolmentGate.STRICT:
            verdicts = judge_voice(voice.quality, self.requirements).values()
            yield from (verdict.guidance for verdict in verdicts if not verdict.passed)


@dataclass(frozen=True, slots=True)
class EnrolledSpeech:
    """How much of a person's speech was enrolled, in seconds, and how much is wanted."""

    net_s: float
    wanted_s: float = WANTED_SPEECH_S

    @classmethod
    def of(cls, records: Iterable[ReferenceRecord]) -> EnrolledSpeech:
        """Of voice samples, all together."""
        return cls(sum(record.quality["net_speech_s"] for record in records))

    @property
    def is_enough(self) -> bool:
        return self.net_s >= self.wanted_s

    @property
    def guidance(self) -> str:
        """What the person can do, empty when there is nothing to do."""
        if self.is_enough:
            return ""
        missing_s = math.ceil(10 * (self.wanted_s - self.net_s)) / 10
        return f"Record {missing_s:.1f} s more of this person speaking."
