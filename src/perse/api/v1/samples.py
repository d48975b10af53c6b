"""The samples of a subject: add faces and voices, list them, destroy them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from pydantic import Field

from perse.api.admission.door import Load
from perse.api.admission.loads import of_pictures, of_recordings
from perse.api.http.answers import Answer, Success
from perse.api.http.calls import Call
from perse.api.http.consent import Processes, declaration_of
from perse.api.http.forms import Form
from perse.api.http.needs import Needs
from perse.api.http.operations import AnswerCall, Operation
from perse.api.http.retries import RETRY, retry_of
from perse.api.v0.faces import FORM_ERRORS, PICTURE, picture_of
from perse.api.v0.measures import number
from perse.api.v0.voice_wire import Positive
from perse.api.v0.voices import recording_of, voices_of
from perse.api.v1 import examples
from perse.api.v1.duplicates import DUPLICATES, WireDuplicates, duplicates_of, wire_duplicates
from perse.api.v1.probes import RECORDING
from perse.api.v1.wire import SAMPLE, SUBJECT, ReceiptAnswer, WireSample, sample_of, subject_in
from perse.domain.access import Permission
from perse.domain.consent import Processing
from perse.domain.references import Modality, ReferenceRecord, UserToken, parse_sample_id
from perse.domain.voice_enrolment import EnrolledSpeech
from perse.errors import (
    AlreadyExists,
    ClusterUnavailable,
    CollectionNotFound,
    ImageOverexposed,
    ImageUnderexposed,
    ImageUnusable,
    IndexLoading,
    InvalidParameter,
    NoFaceDetected,
    NoSpeechDetected,
    NotFound,
    RecordingUnusable,
    SampleNotFound,
    SearchMemoryExceeded,
    SubjectNotFound,
)
from perse.pipelines.samples import AddedSample
from perse.pipelines.voice import no_voices

_FACES, _VOICES = (f"/v1/subjects/{{{SUBJECT.name}}}/{kind}" for kind in ("faces", "voices"))
# Looking for duplicates tells who somebody is.
_ADDING = Needs.of(Permission.ENROL, on_duplicate=(Permission.ENROL, Permission.IDENTIFY))
_ADDING_ERRORS = (
    *FORM_ERRORS,
    SubjectNotFound,
    SampleNotFound,
    CollectionNotFound,
    AlreadyExists,
    IndexLoading,
    SearchMemoryExceeded,
    ClusterUnavailable,
)


class Speech(Answer):
    """Of all voices of the subject together."""

    net_speech_total: Positive = Field(description="Seconds of speech of all voices together.")
    net_speech_wanted: Positive = Field(description="Seconds of speech that there should be.")
    net_speech_enough: bool
    guidance: str = Field(description="Empty when there is nothing to do.")


class AddedAnswer(WireSample, Success):
    displaced_receipt: str | None = Field(
        None,
        description="Signed proof (JWS) that the oldest sample was destroyed, because there were "
        "as many as there may be.",
    )
    duplicates: WireDuplicates | None = Field(
        None, description="Where `on_duplicate` asked for it."
    )


class FaceAddedAnswer(AddedAnswer):
    """A face."""


class VoiceAddedAnswer(AddedAnswer, Speech):
    """A voice."""


class FacesAnswer(Success):
    faces: list[WireSample] = Field(description="The oldest first.")


class VoicesAnswer(Speech, Success):
    voices: list[WireSample] = Field(description="The oldest first.")


async def add_face(call: Call) -> FaceAddedAnswer:
    """Add a face to a subject."""
    token, form = subject_in(call), await call.form()
    picture, content = picture_of(call, form, PICTURE.name), form.file(PICTURE.name)
    add = call.services.subjects.add_face
    load = of_pictures(call.services.faces, content)
    kept = await _kept(call, form, token, content, partial(add, sent=picture), load)
    return FaceAddedAnswer(**_added(kept), time_taken=call.time_taken())


async def add_voice(call: Call) -> VoiceAddedAnswer:
    """Add a voice to a subject."""
    token, voices, add = subject_in(call), voices_of(call), call.services.subjects.add_voice
    if add is None:
        raise no_voices()
    form = await call.form()
    recording, content = recording_of(voices, form, RECORDING.name), form.file(RECORDING.name)
    load = of_recordings(voices, content)
    kept = await _kept(call, form, token, content, partial(add, sent=recording), load)
    speech = _speech(await _records(call, Modality.VOICE))
    return VoiceAddedAnswer(**_added(kept), **speech, time_taken=call.time_taken())


async def list_faces(call: Call) -> FacesAnswer:
    """The faces of a subject."""
    records = await _records(call, Modality.FACE)
    faces = [WireSample(**sample_of(record)) for record in records]
    return FacesAnswer(faces=faces, time_taken=call.time_taken())


async def list_voices(call: Call) -> VoicesAnswer:
    """The voices of a subject."""
    records = await _records(call, Modality.VOICE)
    voices = [WireSample(**sample_of(record)) for record in records]
    return VoicesAnswer(voices=voices, **_speech(records), time_taken=call.time_taken())


async def delete_face(call: Call) -> ReceiptAnswer:
    """Destroy a face of a subject."""
    return await _delete(call, Modality.FACE)


async def delete_voice(call: Call) -> ReceiptAnswer:
    """Destroy a voice of a subject."""
    return await _delete(call, Modality.VOICE)


async def _kept(
    call: Call,
    form: Form,
    token: UserToken,
    content: bytes,
    add: Callable[..., AddedSample],
    load: Load,
) -> AddedSample:
    declaration, duplicates = declaration_of(form), duplicates_of(form)
    named = b"%s %s\n" % (call.request.url.path.rstrip("/").encode(), token.encode())
    retry = retry_of(call, call.services.subjects.retry_key, named + content)
    return await call.compute(
        lambda: add(
            call.caller,
            token,
            declaration=declaration,
            retry=retry,
            duplicates=duplicates,
            captured=call.workplace.compute.let_go,
        ),
        load=load,
    )


async def _delete(call: Call, modality: Modality) -> ReceiptAnswer:
    token, sample_id = subject_in(call), parse_sample_id(call.request.path_params[SAMPLE.name])
    destroy = call.services.subjects.delete_sample
    receipt = await call.look_up(lambda: destroy(call.caller, token, modality, sample_id))
    return ReceiptAnswer(receipt=receipt.jws, time_taken=call.time_taken())


async def _records(call: Call, modality: Modality) -> Sequence[ReferenceRecord]:
    token, samples = subject_in(call), call.services.subjects.samples
    return await call.look_up(lambda: samples.records(call.caller.tenant_id, token, modality))


def _added(kept: AddedSample) -> dict[str, object]:
    receipt, found = kept.displaced.jws if kept.displaced else None, kept.duplicates
    return {
        **sample_of(kept.record),
        "displaced_receipt": receipt,
        "duplicates": found and wire_duplicates(found),
    }


def _speech(records: Sequence[ReferenceRecord]) -> dict[str, object]:
    speech = EnrolledSpeech.of(records)
    return {
        "net_speech_total": number(speech.net_s),
        "net_speech_wanted": number(speech.wanted_s),
        "net_speech_enough": speech.is_enough,
        "guidance": speech.guidance,
    }


def _listing(
    path: str, answer: AnswerCall, success: type[Success], example: dict[str, Any]
) -> Operation:
    return Operation(
        "GET",
        path,
        answer,
        success,
        summary=f"List {path.rpartition('/')[2]}",
        tag="samples",
        parameters=(SUBJECT,),
        processes=None,
        needs=Needs.of(Permission.READ),
        errors=(InvalidParameter, SubjectNotFound),
        example=example,
    )


def _deletion(path: str, answer: AnswerCall) -> Operation:
    kind = path.rpartition("/")[2].removesuffix("s")
    return Operation(
        "DELETE",
        f"{path}/{{{SAMPLE.name}}}",
        answer,
        ReceiptAnswer,
        summary=f"Delete a {kind}",
        tag="samples",
        description=f"Destroy a {kind} and its key; the receipt proves it.",
        parameters=(SUBJECT, SAMPLE),
        processes=Processes(Processing.SAMPLE_DELETE, with_change=True),
        needs=Needs.of(Permission.DELETE),
        errors=(InvalidParameter, SubjectNotFound, SampleNotFound),
        example=examples.RECEIPT,
    )


OPERATIONS = (
    Operation(
        "POST",
        _FACES,
        add_face,
        FaceAddedAnswer,
        summary="Add a face",
        tag="samples",
        description="Keep the template of the largest face of a picture, never the picture, beside "
        "those that the subject has; where there are as many as there may be, the oldest is "
        "destroyed. With an `Idempotency-Key` the request may be repeated.",
        parameters=(SUBJECT, RETRY),
        processes=Processes(Processing.ENROL, with_change=True),
        needs=_ADDING,
        form=(PICTURE, *DUPLICATES),
        errors=(
            *_ADDING_ERRORS,
            NoFaceDetected,
            ImageUnderexposed,
            ImageOverexposed,
            ImageUnusable,
        ),
        example=examples.FACE_ADDED,
    ),
    Operation(
        "POST",
        _VOICES,
        add_voice,
        VoiceAddedAnswer,
        summary="Add a voice",
        tag="samples",
        description="Keep the template of the voice of a recording, never the recording, beside "
        "those that the subject has. Whatever is said will do, in whatever language; several "
        "recordings count together, and the answer says how much speech there is of the "
        "subject and how much there should be.",
        parameters=(SUBJECT, RETRY),
        processes=Processes(Processing.VOICE_ENROL, with_change=True),
        needs=_ADDING,
        form=(RECORDING, *DUPLICATES),
        errors=(*_ADDING_ERRORS, NoSpeechDetected, RecordingUnusable, NotFound),
        example=examples.VOICE_ADDED,
    ),
    _listing(_FACES, list_faces, FacesAnswer, examples.FACES),
    _listing(_VOICES, list_voices, VoicesAnswer, examples.VOICES),
    _deletion(_FACES, delete_face),
    _deletion(_VOICES, delete_voice),
)
