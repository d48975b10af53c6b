"""A form that takes a picture, a recording, or both."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from perse.api.admission.door import Load
from perse.api.admission.loads import of_pictures, of_recordings
from perse.api.http.calls import Call
from perse.api.http.forms import FieldKind, Form, FormField
from perse.api.v0.faces import PICTURE, picture_of
from perse.api.v0.voices import recording_of, voices_of
from perse.pipelines.probe import Probe

RECORDING: Final = FormField("audio_file", FieldKind.RECORDING, "The recording: WAV or OGG.")
PROBE_FIELDS: Final = (replace(PICTURE, required=False), replace(RECORDING, required=False))
ONE_OF_THEM: Final = ((PICTURE.name,), (RECORDING.name,))


def probe_of(call: Call, form: Form) -> Probe:
    """What was sent of the two. Raises FormKeyMissing, EmptyFile, NotFound."""
    seen, heard = form.has(PICTURE.name), form.has(RECORDING.name)
    return Probe(
        picture_of(call, form, PICTURE.name) if seen else None,
        recording_of(voices_of(call), form, RECORDING.name) if heard else None,
    )


def load_of(call: Call, form: Form) -> Load:
    """Of finding and judging what was sent."""
    loads = []
    if form.has(PICTURE.name):
        loads.append(of_pictures(call.services.faces, form.file(PICTURE.name)))
    if form.has(RECORDING.name):
        loads.append(of_recordings(voices_of(call), form.file(RECORDING.name)))
    return Load(sum(it.cost_s for it in loads), sum(it.bulk for it in loads))
