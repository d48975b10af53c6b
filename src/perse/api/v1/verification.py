"""Is this the subject?"""

from __future__ import annotations

from dataclasses import replace

from perse.api.admission.door import Load
from perse.api.admission.loads import of_pictures, of_recordings
from perse.api.http.calls import Call
from perse.api.http.consent import Processes
from perse.api.http.forms import FieldKind, Form, FormField
from perse.api.http.operations import Operation
from perse.api.v0.faces import FORM_ERRORS, PICTURE, picture_of
from perse.api.v0.voices import recording_of, voices_of
from perse.api.v1.examples import VERIFIED
from perse.api.v1.samples import RECORDING
from perse.api.v1.verification_wire import VerifyAnswer, verify_answer
from perse.api.v1.wire import SUBJECT, subject_in
from perse.domain.consent import Processing
from perse.domain.subject_verification import Policy
from perse.errors import (
    InvalidParameter,
    NoFaceDetected,
    NoSpeechDetected,
    NotFound,
    ReferenceLocked,
    ReferenceModelMismatch,
    SampleNotFound,
    SubjectNotFound,
)
from perse.pipelines.subject_verification import Probe

POLICY = FormField(
    "policy",
    FieldKind.TEXT,
    "How a face and a voice decide together: `any` of them, `all` of them, or their `fused` "
    "similarity, which is the default where the networks were measured together.",
    required=False,
    example="fused",
)


async def verify(call: Call) -> VerifyAnswer:
    """Compare a picture, a recording or both with a subject."""
    token, form = subject_in(call), await call.form()
    probe, policy = _probe(call, form), _policy(form)
    verified = await call.compute(
        lambda: call.services.subjects.verify(
            call.caller,
            token,
            probe,
            policy=policy,
            side_by_side=call.workplace.compute.side_by_side,
        ),
        load=_load(call, form),
    )
    return verify_answer(verified, time_taken=call.time_taken())


def _probe(call: Call, form: Form) -> Probe:
    """What was sent of the two. Raises FormKeyMissing, EmptyFile, NotFound."""
    seen, heard = form.has(PICTURE.name), form.has(RECORDING.name)
    return Probe(
        picture_of(call, form, PICTURE.name) if seen else None,
        recording_of(voices_of(call), form, RECORDING.name) if heard else None,
    )


def _policy(form: Form) -> Policy | None:
    text = form.text(POLICY.name)
    if text is None:
        return None
    if text not in set(Policy):
        raise InvalidParameter(f"{POLICY.name} is one of {', '.join(Policy)}")
    return Policy(text)


def _load(call: Call, form: Form) -> Load:
    services = call.services
    seen = [form.file(PICTURE.name)] if form.has(PICTURE.name) else []
    heard = [form.file(RECORDING.name)] if form.has(RECORDING.name) else []
    loads = [of_pictures(services.faces, *seen)] if seen else []
    loads += [of_recordings(voices_of(call), *heard)] if heard else []
    return Load(sum(it.cost_s for it in loads), sum(it.bulk for it in loads))


OPERATIONS = (
    Operation(
        "POST",
        f"/v1/subjects/{{{SUBJECT.name}}}/verify",
        verify,
        VerifyAnswer,
        summary="Verify a subject",
        tag="subjects",
        description=(
            "Compare the largest face of a picture, the voice of a recording, or both, with all "
            "samples of a subject. `decision` is `match`, `no_match`, or `not_assessable` where "
            "what was sent says too little of a person to tell; `rule` says what made it."
        ),
        parameters=(SUBJECT,),
        processes=Processes(Processing.SUBJECT_VERIFY, in_path=SUBJECT.name),
        form=(replace(PICTURE, required=False), replace(RECORDING, required=False), POLICY),
        one_of=((PICTURE.name,), (RECORDING.name,)),
        errors=(
            *FORM_ERRORS,
            NoFaceDetected,
            NoSpeechDetected,
            SubjectNotFound,
            SampleNotFound,
            NotFound,
            ReferenceModelMismatch,
            ReferenceLocked,
        ),
        example=VERIFIED,
    ),
)
