"""How good a recording is, and where somebody speaks in it."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import Field, FiniteFloat

from perse.api.admission.loads import of_recordings
from perse.api.http.answers import Answer, Success
from perse.api.http.calls import Call
from perse.api.http.consent import Processes
from perse.api.http.needs import Needs
from perse.api.http.operations import Operation
from perse.api.v0.examples import RECORDING as RECORDING_EXAMPLE
from perse.api.v0.faces import FORM_ERRORS
from perse.api.v0.measures import Models, Share, number
from perse.api.v0.voice_wire import Positive, WireRecording, recording_wire
from perse.api.v0.voices import recording_of, voices_of
from perse.api.v1.probes import RECORDING
from perse.domain.access import Permission
from perse.domain.consent import Processing
from perse.domain.voice_obstacles import VoiceLimits
from perse.domain.voice_quality import VoiceRequirements
from perse.domain.voices import InspectedVoice
from perse.errors import NotFound

Cosine = Annotated[FiniteFloat, Field(ge=-1, le=1)]
Segment = Annotated[list[Positive], Field(min_length=2, max_length=2)]


class RecordingThresholds(Answer):
    """Good: clipping and crowding below, the others above."""

    net_speech: Positive
    signal_to_noise: Positive
    clipping: Share
    bandwidth: Positive
    agreement: Cosine | None = None
    crowding: FiniteFloat | None = None


class InspectAnswer(WireRecording, Success):
    speech_segments: list[Segment] = Field(
        description="Where somebody speaks: [start, end] in seconds, in order."
    )
    agreement: Cosine | None = Field(
        None,
        description="How alike the voices in parts of the recording are; low where people speak in "
        "turn. Absent of too little speech.",
    )
    crowding: FiniteFloat | None = Field(
        None,
        description="Log odds that several people speak at once. Absent of too little speech.",
    )
    similarity_assessable: bool = Field(
        description="False where this recording cannot be compared with others."
    )
    similarity_obstacle: str | None = Field(
        None, description="Why it cannot, and what the person can do."
    )
    default_thresholds: RecordingThresholds
    models: Models


async def inspect(call: Call) -> InspectAnswer:
    """How good a recording is."""
    voices, form = voices_of(call), await call.form()
    recording = recording_of(voices, form, RECORDING.name)
    seen = await call.compute(
        lambda: voices.inspect(recording), load=of_recordings(voices, form.file(RECORDING.name))
    )
    thresholds = _thresholds(voices.thresholds.recording, voices.inspect.limits)
    return _answer(seen, voices.thresholds.recording, thresholds, call.time_taken())


def _answer(
    seen: InspectedVoice,
    requirements: VoiceRequirements,
    thresholds: RecordingThresholds,
    time_taken: float,
) -> InspectAnswer:
    heard, voices = recording_wire(seen.quality, requirements), seen.voices
    return InspectAnswer(
        decoded_s=heard.decoded_s,
        voice_metrics=heard.voice_metrics,
        verdicts=heard.verdicts,
        speech_segments=[[number(it.start_s), number(it.end_s)] for it in seen.speech],
        agreement=None if voices.agreement is None else number(voices.agreement),
        crowding=None if voices.crowding is None else number(voices.crowding),
        similarity_assessable=seen.obstacle is None,
        similarity_obstacle=seen.obstacle,
        default_thresholds=thresholds,
        models=dict(seen.models),
        time_taken=time_taken,
    )


def _thresholds(wanted: VoiceRequirements, limits: VoiceLimits) -> RecordingThresholds:
    """Limits that refuse nothing are none."""
    return RecordingThresholds(
        net_speech=wanted.net_speech_s,
        signal_to_noise=wanted.snr_db,
        clipping=wanted.clipped_share,
        bandwidth=wanted.bandwidth_hz,
        agreement=limits.agreement if limits.agreement > -1 else None,
        crowding=limits.crowding if limits.crowding < math.inf else None,
    )


_EXAMPLE: dict[str, Any] = {
    **RECORDING_EXAMPLE,
    "speech_segments": [[0.32, 1.888], [2.4, 3.648]],
    "agreement": 0.71,
    "crowding": -3.4,
    "similarity_assessable": True,
    "default_thresholds": {
        "net_speech": 2.0,
        "signal_to_noise": 12.0,
        "clipping": 0.01,
        "bandwidth": 4500.0,
        "agreement": 0.2,
        "crowding": 1.5,
    },
    "models": {"speech_detector": "silero_vad", "speaker_embedder": "campplus"},
    "time_taken": 0.034,
    "status": 200,
}

OPERATIONS = (
    Operation(
        "POST",
        "/v1/voice/inspect",
        inspect,
        InspectAnswer,
        summary="Inspect a recording",
        tag="voice",
        description="Where somebody speaks in a recording, WAV or OGG, how good it is, and whether "
        "it can be compared with others. Too little speech is an answer here.",
        processes=Processes(Processing.VOICE_INSPECT),
        needs=Needs.of(Permission.VOICES),
        form=(RECORDING,),
        errors=(*FORM_ERRORS, NotFound),
        example=_EXAMPLE,
    ),
)
