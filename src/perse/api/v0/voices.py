"""Compare voices."""

from __future__ import annotations

from perse.api.admission.loads import of_recordings
from perse.api.http.calls import Call
from perse.api.http.consent import Processes
from perse.api.http.forms import FieldKind, Form, FormField
from perse.api.http.needs import Needs
from perse.api.http.operations import Operation
from perse.api.services import Voices
from perse.api.v0.examples import VOICE_COMPARE
from perse.api.v0.faces import FORM_ERRORS
from perse.api.v0.voice_wire import VoiceCompareAnswer, voice_compare_answer
from perse.domain.access import Permission
from perse.domain.consent import Processing
from perse.errors import NoSpeechDetected, NotFound
from perse.pipelines.voice import Recording, no_voices

FIRST = FormField("audio_file1", FieldKind.RECORDING, "The first recording: WAV or OGG.")
SECOND = FormField("audio_file2", FieldKind.RECORDING, "The second recording: WAV or OGG.")


async def compare(call: Call) -> VoiceCompareAnswer:
    """Compare the voices of two recordings."""
    voices, side_by_side = voices_of(call), call.workplace.compute.side_by_side
    form = await call.form()
    first, second = (recording_of(voices, form, field.name) for field in (FIRST, SECOND))
    comparison = await call.compute(
        lambda: voices.compare(first, second, side_by_side=side_by_side),
        load=of_recordings(voices, form.file(FIRST.name), form.file(SECOND.name)),
    )
    return voice_compare_answer(comparison, voices.thresholds, time_taken=call.time_taken())


def voices_of(call: Call) -> Voices:
    """The voice pipeline. Raises NotFound where the pack compares no voices."""
    voices = call.services.voices
    if voices is None:
        raise no_voices()
    return voices


def recording_of(voices: Voices, form: Form, name: str) -> Recording:
    """The recording of a field, decoded where it is used. Raises FormKeyMissing, EmptyFile."""
    content = form.file(name)
    return Recording(name, lambda: voices.decode(content))


OPERATIONS = (
    Operation(
        "POST",
        "/v0/voice/compare",
        compare,
        VoiceCompareAnswer,
        summary="Compare voices",
        tag="voice",
        description=(
            "Compare the voices of two recordings, WAV (PCM, float, A-law, µ-law) or OGG (Vorbis, "
            "Opus), with a second or more of speech in each. One person speaks in both when "
            "`similarity` is at or above `default_thresholds.similarity`. Replayed and artificial "
            "voices are not recognised as such."
        ),
        processes=Processes(Processing.VOICE_COMPARE),
        needs=Needs.of(Permission.VOICES),
        form=(FIRST, SECOND),
        errors=(*FORM_ERRORS, NoSpeechDetected, NotFound),
        example=VOICE_COMPARE,
    ),
)
