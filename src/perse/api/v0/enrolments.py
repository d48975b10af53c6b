"""Enrol users, replace and delete what is kept of them, list them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from pydantic import Field, FiniteFloat
from starlette.responses import Response

from perse.api.admission.loads import of_pictures
from perse.api.http.answers import JsonInPieces, Success
from perse.api.http.calls import Call
from perse.api.http.consent import Processes, declaration_of
from perse.api.http.needs import Needs
from perse.api.http.operations import Operation, Parameter
from perse.api.http.queries import whole_number
from perse.api.http.retries import RETRY, retry_of
from perse.api.v0.examples import DELETED, ENROLLED, EXAMPLE_TOKEN, LIST
from perse.api.v0.faces import FORM_ERRORS, PICTURE, USER_TOKEN, picture_of
from perse.domain.access import Permission
from perse.domain.consent import Processing
from perse.domain.references import ReferenceRecord, UserToken, UserTokens, parse_user_token
from perse.errors import (
    ImageOverexposed,
    ImageUnderexposed,
    ImageUnusable,
    InvalidParameter,
    NoFaceDetected,
    UserTokenNotFound,
)

_ENROLMENT = "/v0/face/enrollment"
_MOST_PER_PAGE = 100_000
_LIST_HEAD = b'{"user_tokens":['
_ENROLMENT_ERRORS = (
    *FORM_ERRORS,
    NoFaceDetected,
    ImageUnderexposed,
    ImageOverexposed,
    ImageUnusable,
    UserTokenNotFound,
)
_WIRE_NAMES = {"colour": "color"}
_TOKEN_SCHEMA = {"type": "string", "format": "uuid", "example": EXAMPLE_TOKEN}


class EnrolAnswer(Success):
    user_token: str = Field(description="Stands for the user from now on; a UUID.")
    model: str = Field(description="The network whose template is kept.")
    quality: dict[str, FiniteFloat] = Field(description="The enrolled face's metrics.")
    created_at: datetime
    updated_at: datetime


class ListAnswer(Success):
    user_tokens: Annotated[list[str], Field(description="The oldest first.")]
    total_users: int = Field(ge=0, description="All of them, also when a page is asked for.")


class DeleteAnswer(Success):
    receipt: str = Field(description="Signed proof of destruction (JWS); /.well-known/jwks.json.")


async def enrol(call: Call) -> EnrolAnswer:
    """Keep the template of a new user."""
    form = await call.form()
    declaration, picture = declaration_of(form), picture_of(call, form, PICTURE.name)
    enrolment = call.services.enrolment
    retry = retry_of(call, enrolment.retry_key, form.file(PICTURE.name))
    record = await call.compute(
        lambda: enrolment.enrol(
            call.caller,
            picture,
            declaration=declaration,
            retry=retry,
            captured=call.workplace.compute.let_go,
        ),
        load=of_pictures(call.services.faces, form.file(PICTURE.name)),
    )
    return _enrolled(record, call)


async def update(call: Call) -> EnrolAnswer:
    """Replace the template of a user."""
    form = await call.form()
    declaration, picture = declaration_of(form), picture_of(call, form, PICTURE.name)
    user_token = parse_user_token(form.required_text(USER_TOKEN.name))
    replace = call.services.enrolment.update
    record = await call.compute(
        lambda: replace(
            call.caller,
            user_token,
            picture,
            declaration=declaration,
            captured=call.workplace.compute.let_go,
        ),
        load=of_pictures(call.services.faces, form.file(PICTURE.name)),
    )
    return _enrolled(record, call)


async def list_users(call: Call) -> Response:
    """Every user of this API key's tenant, or a page of them."""
    users, tenant_id = call.services.enrolment.users, call.caller.tenant_id
    limit, after = _page_of(call)
    if limit is None and after is None:
        tokens = await call.look_up(lambda: users.tokens(tenant_id))
        return _list_answer(tokens, len(tokens), call)
    page, total = await call.look_up(
        lambda: (
            users.page(tenant_id, after=after, limit=limit or _MOST_PER_PAGE),
            users.total(tenant_id),
        )
    )
    return _list_answer(page, total, call)


async def delete(call: Call) -> DeleteAnswer:
    """Destroy what is kept of a user."""
    user_token = parse_user_token(call.request.path_params["user_token"])
    destroy = call.services.enrolment.delete
    receipt = await call.look_up(lambda: destroy(call.caller, user_token))
    return DeleteAnswer(receipt=receipt.jws, time_taken=call.time_taken())


def _enrolled(record: ReferenceRecord, call: Call) -> EnrolAnswer:
    return EnrolAnswer(
        user_token=record.user_token,
        model=record.model,
        quality={_WIRE_NAMES.get(name, name): value for name, value in record.quality.items()},
        created_at=record.created_at,
        updated_at=record.updated_at,
        time_taken=call.time_taken(),
    )


def _list_answer(tokens: UserTokens, total: int, call: Call) -> Response:
    """A ListAnswer written by hand: 100,000 tokens would take the schema layer far longer."""
    rest = {"total_users": total, "time_taken": call.time_taken(), "status": 200}
    tail = b"]," + json.dumps(rest)[1:].encode()
    return JsonInPieces(
        _pieces(tokens, tail),
        size_bytes=len(_LIST_HEAD) + tokens.size_bytes + len(tail),
        turn=call.turn,
    )


def _pieces(tokens: UserTokens, tail: bytes) -> Iterator[bytes]:
    """Made as they are sent. The head and the tail do not wait for a turn: a short list is one
    piece."""
    blocks = tokens.json_blocks()
    piece = _LIST_HEAD + next(blocks, b"")
    for block in blocks:
        yield piece
        piece = block
    yield piece + tail


def _page_of(call: Call) -> tuple[int | None, UserToken | None]:
    """The parameters ``limit`` and ``after``, where they were sent. Raises InvalidParameter."""
    query = call.request.query_params
    limit, after = query.get("limit"), query.get("after")
    return (
        None if limit is None else whole_number(limit, "limit", most=_MOST_PER_PAGE),
        None if after is None else parse_user_token(after),
    )


OPERATIONS = (
    Operation(
        "POST",
        _ENROLMENT,
        enrol,
        EnrolAnswer,
        summary="Enrol a user",
        tag="enrolment",
        description=(
            "Keep the template of the largest face of a picture, never the picture. A client that "
            "sends an `Idempotency-Key` may repeat the request and gets the same user."
        ),
        parameters=(RETRY,),
        processes=Processes(Processing.ENROL, with_change=True),
        needs=Needs.of(Permission.ENROL),
        form=(PICTURE,),
        errors=_ENROLMENT_ERRORS,
        example=ENROLLED,
    ),
    Operation(
        "PUT",
        _ENROLMENT,
        update,
        EnrolAnswer,
        summary="Update a user",
        tag="enrolment",
        description="Replace the template of a user, whose failed comparisons are forgotten.",
        processes=Processes(Processing.UPDATE, with_change=True),
        needs=Needs.of(Permission.ENROL),
        form=(PICTURE, USER_TOKEN),
        errors=_ENROLMENT_ERRORS,
        example=ENROLLED,
    ),
    Operation(
        "GET",
        f"{_ENROLMENT}/list",
        list_users,
        ListAnswer,
        summary="List users",
        tag="enrolment",
        processes=None,
        needs=Needs.of(Permission.READ),
        description="Every user of this API key's tenant, the oldest first, or a page of them.",
        parameters=(
            Parameter(
                "limit",
                "query",
                "Most tokens to answer at once.",
                {"type": "integer", "minimum": 1, "maximum": _MOST_PER_PAGE},
            ),
            Parameter("after", "query", "Begin after this user.", _TOKEN_SCHEMA),
        ),
        errors=(InvalidParameter, UserTokenNotFound),
        example=LIST,
    ),
    Operation(
        "DELETE",
        f"{_ENROLMENT}/{{user_token}}",
        delete,
        DeleteAnswer,
        summary="Delete a user",
        tag="enrolment",
        processes=Processes(Processing.DELETE, with_change=True),
        needs=Needs.of(Permission.DELETE),
        description="Destroy the template and its key; the receipt proves it.",
        parameters=(Parameter("user_token", "path", "The user's token.", _TOKEN_SCHEMA),),
        errors=(InvalidParameter, UserTokenNotFound),
        example=DELETED,
    ),
)
