"""Detect faces and compare them."""

from __future__ import annotations

from dataclasses import replace

from perse.api.admission.loads import of_pictures
from perse.api.http.calls import Call
from perse.api.http.consent import Processes, declaration_of
from perse.api.http.forms import FieldKind, Form, FormField
from perse.api.http.needs import Needs
from perse.api.http.operations import Operation
from perse.api.v0.examples import COMPARE, DETECT, EXAMPLE_TOKEN
from perse.api.v0.wire import (
    CompareAnswer,
    DetectAnswer,
    compare_answer,
    detect_answer,
    verify_answer,
)
from perse.domain.access import Permission
from perse.domain.consent import Processing
from perse.domain.references import parse_user_token
from perse.errors import (
    ContentEncodingUnsupported,
    ContentTypeHeaderMissing,
    EmptyFile,
    EnduserConsentRequired,
    FileTooLarge,
    FormKeyMissing,
    InvalidFileType,
    InvalidParameter,
    NoFaceDetected,
    PerseError,
    ReferenceLocked,
    ReferenceModelMismatch,
    UserTokenNotFound,
)
from perse.pipelines.comparison import Picture

FORM_ERRORS: tuple[type[PerseError], ...] = (
    ContentTypeHeaderMissing,
    ContentEncodingUnsupported,
    FormKeyMissing,
    InvalidParameter,
    EnduserConsentRequired,
    EmptyFile,
    FileTooLarge,
    InvalidFileType,
)
PICTURE = FormField("image_file", FieldKind.PICTURE, "The picture: JPEG, PNG or WebP.")
FIRST = FormField("image_file1", FieldKind.PICTURE, "The first picture: JPEG, PNG or WebP.")
SECOND = FormField("image_file2", FieldKind.PICTURE, "The second picture: JPEG, PNG or WebP.")
USER_TOKEN = FormField(
    "user_token", FieldKind.TEXT, "The token that enrolment gave.", example=EXAMPLE_TOKEN
)


async def detect(call: Call) -> DetectAnswer:
    """Find the faces of a picture and judge them."""
    faces = call.services.faces
    form = await call.form()
    content = form.file(PICTURE.name)
    side_by_side = call.workplace.compute.side_by_side
    detection = await call.compute(
        lambda: faces.detect(faces.decode(content), side_by_side=side_by_side),
        load=of_pictures(faces, content),
    )
    return detect_answer(detection, faces.thresholds, time_taken=call.time_taken())


async def compare(call: Call) -> CompareAnswer:
    """Compare the largest faces of two pictures, or of a picture and an enrolled user."""
    form = await call.form()
    if form.has(USER_TOKEN.name):
        return await _verify(call, form)
    faces, side_by_side = call.services.faces, call.workplace.compute.side_by_side
    first, second = picture_of(call, form, FIRST.name), picture_of(call, form, SECOND.name)
    comparison = await call.compute(
        lambda: faces.compare(first, second, side_by_side=side_by_side),
        load=of_pictures(faces, form.file(FIRST.name), form.file(SECOND.name)),
    )
    return compare_answer(comparison, faces.thresholds, time_taken=call.time_taken())


async def _verify(call: Call, form: Form) -> CompareAnswer:
    user_token = parse_user_token(form.required_text(USER_TOKEN.name))
    picture, verify = picture_of(call, form, PICTURE.name), call.services.enrolment.verify
    declaration = declaration_of(form)
    verified = await call.compute(
        lambda: verify(call.caller, user_token, picture, declaration=declaration),
        load=of_pictures(call.services.faces, form.file(PICTURE.name)),
    )
    return verify_answer(verified, time_taken=call.time_taken())


def picture_of(call: Call, form: Form, name: str) -> Picture:
    """The picture of a field, decoded where it is used. Raises FormKeyMissing or EmptyFile."""
    content, decode = form.file(name), call.services.faces.decode
    return Picture(name, lambda: decode(content))


def _optional(field: FormField) -> FormField:
    return replace(field, required=False)


OPERATIONS = (
    Operation(
        "POST",
        "/v0/face/detect",
        detect,
        DetectAnswer,
        summary="Detect faces",
        tag="face",
        description=(
            "Find the faces of a picture and judge the quality of the picture and of each face. "
            "Faces that are not completely inside the picture are not considered. A picture "
            "without faces is a success with `total_faces` 0."
        ),
        processes=Processes(Processing.FACE_DETECT),
        needs=Needs.of(Permission.FACES),
        form=(PICTURE,),
        errors=FORM_ERRORS,
        example=DETECT,
    ),
    Operation(
        "POST",
        "/v0/face/compare",
        compare,
        CompareAnswer,
        summary="Compare faces",
        tag="face",
        description=(
            "Compare the largest face of one picture with the largest face of another: "
            "`image_file1` and `image_file2`; or with an enrolled user: `image_file` and "
            "`user_token`. They show one person when `similarity` is at or above "
            "`default_thresholds.similarity`. While users are moved to another network, those who "
            "have not been are compared by the one that they were enrolled with; `models` and the "
            "thresholds say so."
        ),
        processes=Processes(Processing.FACE_COMPARE, of_user=(USER_TOKEN, Processing.FACE_VERIFY)),
        needs=Needs.of(Permission.FACES, user_token=(Permission.VERIFY,)),
        form=tuple(map(_optional, (FIRST, SECOND, PICTURE, USER_TOKEN))),
        one_of=((FIRST.name, SECOND.name), (PICTURE.name, USER_TOKEN.name)),
        errors=(
            *FORM_ERRORS,
            NoFaceDetected,
            UserTokenNotFound,
            ReferenceModelMismatch,
            ReferenceLocked,
        ),
        example=COMPARE,
    ),
)
