"""Make subjects, find them, change them, destroy them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

from starlette.responses import Response

from perse.api.http.answers import Success
from perse.api.http.calls import Call
from perse.api.http.consent import Processes
from perse.api.http.needs import Needs
from perse.api.http.operations import Operation, Parameter
from perse.api.http.preconditions import IF_MATCH, tagged, version_wanted
from perse.api.http.queries import whole_number
from perse.api.http.retries import RETRY, retry_of
from perse.api.v1.cursors import cursor_at, place_of
from perse.api.v1.examples import DETAILS, RECEIPT, SUBJECT_PAGE
from perse.api.v1.examples import SUBJECT as SUBJECT_EXAMPLE
from perse.api.v1.wire import (
    NAME_SCHEMA,
    SUBJECT,
    Cursor,
    ReceiptAnswer,
    SubjectAnswer,
    WireSubject,
    subject_answer,
    subject_in,
    wire_subject,
)
from perse.domain.access import Permission
from perse.domain.consent import Processing
from perse.domain.subjects import (
    LONGEST_EXTERNAL_ID,
    MOST_COLLECTIONS,
    CollectionName,
    Place,
    SubjectDetails,
    parse_collection_name,
    parse_external_id,
)
from perse.errors import (
    AlreadyExists,
    ChangedMeanwhile,
    CollectionNotFound,
    ContentEncodingUnsupported,
    InvalidParameter,
    PerseError,
    SubjectNotFound,
    UserTokenNotFound,
)
from perse.pipelines.subjects import SubjectPage

_PATH = "/v1/subjects"
_ONE = f"{_PATH}/{{{SUBJECT.name}}}"
_MOST_PER_PAGE, _PER_PAGE = 1000, 100
_EXTERNAL_ID_SCHEMA = {
    "type": "string",
    "minLength": 1,
    "maxLength": LONGEST_EXTERNAL_ID,
    "example": "account-4711",
}
_BODY = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "external_id": {
            **_EXTERNAL_ID_SCHEMA,
            "nullable": True,
            "description": "Your own name for the subject, which no other one of yours has.",
        },
        "collections": {
            "type": "array",
            "items": NAME_SCHEMA,
            "maxItems": MOST_COLLECTIONS,
            "nullable": True,
            "description": "The collections that it belongs to.",
        },
    },
    "example": DETAILS,
}
_CHANGE_ERRORS: tuple[type[PerseError], ...] = (
    ContentEncodingUnsupported,
    InvalidParameter,
    AlreadyExists,
    CollectionNotFound,
    SubjectNotFound,
)


class SubjectPageAnswer(Success):
    subjects: list[WireSubject]
    next_cursor: Cursor


async def create(call: Call) -> Response:
    """Make a subject."""
    subjects, body = call.services.subjects, await call.json_object()
    details = _change_of(body)(SubjectDetails())
    content = b"subject\n" + json.dumps(body, sort_keys=True).encode()
    retry = retry_of(call, subjects.retry_key, content)
    try:
        made = await call.look_up(lambda: subjects.create(call.caller, details, retry=retry))
    except UserTokenNotFound as gone:  # what the key stands for has been deleted since
        raise SubjectNotFound(gone.message) from None
    return tagged(subject_answer(made, time_taken=call.time_taken()), made.version)


async def find(call: Call) -> SubjectPageAnswer:
    """The subjects of this API key's tenant, page by page."""
    search = _search(call)

    def told() -> tuple[list[WireSubject], Place | None]:
        # A thousand of them are too many for the event loop.
        page = search()
        return [wire_subject(subject) for subject in page.subjects], page.behind

    subjects, behind = await call.look_up(told)
    return SubjectPageAnswer(
        subjects=subjects,
        next_cursor=behind and cursor_at(behind),
        time_taken=call.time_taken(),
    )


async def show(call: Call) -> Response:
    """What is known of a subject."""
    subjects, token = call.services.subjects, subject_in(call)
    known = await call.look_up(lambda: subjects.store.get(call.caller.tenant_id, token))
    return tagged(subject_answer(known, time_taken=call.time_taken()), known.version)


async def change(call: Call) -> Response:
    """Change a subject (RFC 7396)."""
    subjects, token, version = call.services.subjects, subject_in(call), version_wanted(call)
    merge = _change_of(await call.json_object())
    made = await call.look_up(
        lambda: subjects.change(call.caller, token, merge, if_version=version)
    )
    return tagged(subject_answer(made, time_taken=call.time_taken()), made.version)


async def delete(call: Call) -> ReceiptAnswer:
    """Destroy a subject with all samples."""
    subjects, token, version = call.services.subjects, subject_in(call), version_wanted(call)
    receipt = await call.look_up(lambda: subjects.delete(call.caller, token, if_version=version))
    return ReceiptAnswer(receipt=receipt.jws, time_taken=call.time_taken())


def _change_of(body: Mapping[str, object]) -> Callable[[SubjectDetails], SubjectDetails]:
    """What a merge patch makes of a subject; null takes away. Raises InvalidParameter."""
    if body.keys() - _BODY["properties"].keys():  # type: ignore[attr-defined]
        raise InvalidParameter("the body has external_id and collections, and nothing else")
    changes: dict[str, object] = {}
    if "external_id" in body:
        named = body["external_id"]
        changes["external_id"] = None if named is None else parse_external_id(_text(named))
    if "collections" in body:
        changes["collections"] = _names(body["collections"])
    return lambda known: replace(known, **changes)  # type: ignore[arg-type]


def _names(value: object) -> frozenset[CollectionName]:
    if value is None:
        return frozenset()
    if not isinstance(value, list) or len(value) > MOST_COLLECTIONS:
        raise InvalidParameter(f"collections is a list of at most {MOST_COLLECTIONS} names")
    return frozenset(parse_collection_name(_text(name)) for name in value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidParameter("external_id and the names of collections are strings")
    return value


def _search(call: Call) -> Callable[[], SubjectPage]:
    """What the query asks for. Raises InvalidParameter."""
    listed, tenant_id = call.services.subjects.list, call.caller.tenant_id
    query = call.request.query_params
    limit = query.get("limit")
    size = _PER_PAGE if limit is None else whole_number(limit, "limit", most=_MOST_PER_PAGE)
    after = place_of(query["cursor"]) if "cursor" in query else None
    within = parse_collection_name(query["collection"]) if "collection" in query else None
    if "external_id" in query:
        named = parse_external_id(query["external_id"])
        return lambda: listed.named(tenant_id, named, collection=within)
    return lambda: listed(tenant_id, limit=size, after=after, collection=within)


OPERATIONS = (
    Operation(
        "POST",
        _PATH,
        create,
        SubjectAnswer,
        summary="Make a subject",
        tag="subjects",
        description="Make a subject, who has no samples yet. A client that sends an "
        "`Idempotency-Key` may repeat the request and gets the same subject.",
        parameters=(RETRY,),
        processes=Processes(Processing.SUBJECT_CREATE, with_change=True),
        needs=Needs.of(Permission.ENROL),
        json_body=_BODY,
        errors=_CHANGE_ERRORS,
        example=SUBJECT_EXAMPLE,
        tells_version=True,
    ),
    Operation(
        "GET",
        _PATH,
        find,
        SubjectPageAnswer,
        summary="List subjects",
        tag="subjects",
        description="The subjects of this API key's tenant, the oldest first, page by page; those "
        "of a collection; or the one of an external id.",
        parameters=(
            Parameter(
                "limit",
                "query",
                f"Most subjects to answer at once; {_PER_PAGE} where it is not sent.",
                {"type": "integer", "minimum": 1, "maximum": _MOST_PER_PAGE},
            ),
            Parameter("cursor", "query", "`next_cursor` of the page before.", {"type": "string"}),
            Parameter("collection", "query", "Only those in this collection.", NAME_SCHEMA),
            Parameter("external_id", "query", "Only the one named so.", _EXTERNAL_ID_SCHEMA),
        ),
        processes=None,
        needs=Needs.of(Permission.READ),
        errors=(InvalidParameter, CollectionNotFound),
        example=SUBJECT_PAGE,
    ),
    Operation(
        "GET",
        _ONE,
        show,
        SubjectAnswer,
        summary="Show a subject",
        tag="subjects",
        parameters=(SUBJECT,),
        processes=None,
        needs=Needs.of(Permission.READ),
        errors=(InvalidParameter, SubjectNotFound),
        example=SUBJECT_EXAMPLE,
        tells_version=True,
    ),
    Operation(
        "PATCH",
        _ONE,
        change,
        SubjectAnswer,
        summary="Change a subject",
        tag="subjects",
        description="Put what is sent in the place of what there was (RFC 7396): what is not "
        "mentioned stays, null takes away.",
        parameters=(SUBJECT, IF_MATCH),
        processes=Processes(Processing.SUBJECT_CHANGE, with_change=True),
        needs=Needs.of(Permission.ENROL, Permission.READ),
        json_body=_BODY,
        errors=(*_CHANGE_ERRORS, ChangedMeanwhile),
        example=SUBJECT_EXAMPLE,
        tells_version=True,
    ),
    Operation(
        "DELETE",
        _ONE,
        delete,
        ReceiptAnswer,
        summary="Delete a subject",
        tag="subjects",
        description="Destroy a subject with all samples and their keys; the receipt proves it.",
        parameters=(SUBJECT, IF_MATCH),
        processes=Processes(Processing.DELETE, with_change=True),
        needs=Needs.of(Permission.DELETE),
        errors=(InvalidParameter, SubjectNotFound, ChangedMeanwhile),
        example=RECEIPT,
    ),
)
