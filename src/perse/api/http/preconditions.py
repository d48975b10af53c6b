"""Changes only to what the client knows: ``ETag`` and ``If-Match`` (RFC 9110 §8.8.3, §13.1.1)."""

from __future__ import annotations

import re

from starlette.responses import Response

from perse.api.http.answers import Answer
from perse.api.http.calls import Call
from perse.api.http.operations import Parameter
from perse.errors import InvalidParameter

_HEADER = "If-Match"
_TAG = re.compile(r'(W/)?"([!#-~\x80-\xff]*)"')
_VERSION = re.compile(r"[1-9][0-9]{0,17}")
_NONE = 0
IF_MATCH = Parameter(
    _HEADER,
    "header",
    "Change it only if it still has this `ETag`; `*`, or no header, changes it in any case.",
    {"type": "string", "example": '"3"'},
)


def tagged(answer: Answer, version: int) -> Response:
    """The answer with its version as ``ETag``."""
    return Response(
        answer.to_json(), media_type="application/json", headers={"ETag": f'"{version}"'}
    )


def version_wanted(call: Call) -> int | None:
    """The version that is to be changed; None = any, 0 where no version has what was sent.

    Raises InvalidParameter for what is not one ETag.
    """
    sent = call.request.headers.getlist(_HEADER)
    if not sent or sent == ["*"]:
        return None
    tag = _TAG.fullmatch(sent[0].strip()) if len(sent) == 1 else None
    if tag is None:
        raise InvalidParameter(f'{_HEADER} is one ETag in its quotes, such as "3", or *')
    weak, text = tag.groups()
    # A weak tag is like none of ours, which are strong.
    return int(text) if not weak and _VERSION.fullmatch(text) else _NONE
