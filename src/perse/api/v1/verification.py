"""Is this the subject?"""

from __future__ import annotations

from perse.api.http.calls import Call
from perse.api.http.consent import Processes
from perse.api.http.forms import FieldKind, Form, FormField
from perse.api.http.needs import Needs
from perse.api.http.operations import Operation
from perse.api.v0.faces import FORM_ERRORS
from perse.api.v1.examples import VERIFIED
from perse.api.v1.probes import ONE_OF_THEM, PROBE_FIELDS, load_of, probe_of
from perse.api.v1.verification_wire import VerifyAnswer, verify_answer
from perse.api.v1.wire import SUBJECT, subject_in
from perse.domain.access import Permission
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
    probe, policy = probe_of(call, form), _policy(form)
    verified = await call.compute(
        lambda: call.services.subjects.verify(
            call.caller,
            token,
            probe,
            policy=policy,
            side_by_side=call.workplace.compute.side_by_side,
        ),
        load=load_of(call, form),
    )
    return verify_answer(verified, time_taken=call.time_taken())


def _policy(form: Form) -> Policy | None:
    text = form.text(POLICY.name)
    if text is None:
        return None
    if text not in set(Policy):
        raise InvalidParameter(f"{POLICY.name} is one of {', '.join(Policy)}")
    return Policy(text)


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
        needs=Needs.of(Permission.VERIFY),
        form=(*PROBE_FIELDS, POLICY),
        one_of=ONE_OF_THEM,
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
