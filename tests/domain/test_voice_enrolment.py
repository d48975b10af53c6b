"""Which recordings may be enrolled, and what is kept of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perse.domain.enrolment_gate import EnrolmentGate
from perse.domain.references import BiometricReference, Modality, ReferenceRecord
from perse.domain.voice_enrolment import EnrolledSpeech, VoiceGate
from perse.domain.voice_obstacles import HeardVoices, VoiceLimits
from perse.domain.voice_quality import VoiceRequirements
from perse.domain.voices import CapturedVoice
from perse.errors import RecordingUnusable
from tests.fakes.voices import GOOD, TELEPHONE
from tests.storage.samples import reference, template

FINE = CapturedVoice(template(), GOOD, HeardVoices(0.8, -1.5))
CROWD = replace(FINE, voices=HeardVoices(0.1))
NOISE = replace(FINE, quality=replace(GOOD, snr_db=1.0))
NARROW = replace(FINE, quality=TELEPHONE)
LIMITS = VoiceLimits(agreement=0.3, snr_db=3.0)


@pytest.mark.parametrize(
    ("gate", "refused"),
    [
        (EnrolmentGate.CONTRACT, []),
        (EnrolmentGate.STANDARD, [CROWD, NOISE]),
        (EnrolmentGate.STRICT, [CROWD, NOISE, NARROW]),
    ],
)
def test_a_gate_refuses_what_would_not_be_recognised_again(
    gate: EnrolmentGate, refused: list[CapturedVoice]
) -> None:
    check = VoiceGate(gate, LIMITS, VoiceRequirements()).check
    for voice in (FINE, CROWD, NOISE, NARROW):
        if voice in refused:
            with pytest.raises(RecordingUnusable, match=r"recognised again\. [A-Z].*\."):
                check(voice, name="audio_file")
        else:
            check(voice, name="audio_file")


def kept_of(voice: CapturedVoice) -> BiometricReference:
    made = reference(1)
    record = replace(made.record, quality=voice.to_keep(), modality=Modality.VOICE)
    return BiometricReference(record, made.template)


@pytest.mark.parametrize("voice", [FINE, NARROW, replace(FINE, voices=HeardVoices())])
def test_what_is_kept_is_what_a_comparison_needs(voice: CapturedVoice) -> None:
    kept = kept_of(voice)
    again = CapturedVoice.kept_as(kept)
    assert (again.quality, again.voices) == (voice.quality, voice.voices)
    assert again.template is kept.template


def record(net_speech_s: float) -> ReferenceRecord:
    return kept_of(replace(FINE, quality=replace(GOOD, net_speech_s=net_speech_s))).record


@pytest.mark.parametrize(
    ("seconds", "guidance"),
    [
        ([], "Record 5.0 s more of this person speaking."),
        ([2.0, 2.99], "Record 0.1 s more of this person speaking."),
        ([2.0, 3.0], ""),
        ([60.0], ""),
    ],
)
def test_all_voices_count_together(seconds: list[float], guidance: str) -> None:
    speech = EnrolledSpeech.of(map(record, seconds))
    assert speech.net_s == pytest.approx(sum(seconds))
    assert speech.is_enough == (guidance == "")
    assert speech.guidance == guidance
