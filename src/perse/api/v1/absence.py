"""What is not there is told in the words of subjects, the same for whatever never was, is no more,
or is another tenant's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import wraps

from starlette.responses import Response

from perse.api.http.answers import Answer
from perse.api.http.calls import Call
from perse.api.http.operations import AnswerCall, Operation
from perse.errors import SubjectNotFound, UserTokenNotFound


def speaking_of_subjects(operations: Iterable[Operation]) -> tuple[Operation, ...]:
    """The same operations, for which a user that is not there is a subject that is not."""
    return tuple(replace(it, answer=_speaking_of_subjects(it.answer)) for it in operations)


def _speaking_of_subjects(answer: AnswerCall) -> AnswerCall:
    @wraps(answer)
    async def answered(call: Call) -> Answer | Response:
        try:
            return await answer(call)
        except UserTokenNotFound:
            raise SubjectNotFound(
                "this API key has no subject of that id: list the subjects, or make it"
            ) from None

    return answered
