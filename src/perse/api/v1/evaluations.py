"""Error rates that the operator has measured, for pages to show."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field, FiniteFloat

from perse.api.http.answers import Answer, Success
from perse.api.http.calls import Call
from perse.api.http.needs import Needs
from perse.api.http.nulls import without_nulls
from perse.api.http.operations import Operation, Parameter
from perse.domain.access import Permission
from perse.errors import InvalidParameter, NotFound
from perse.evaluation.shelf import NAME_PATTERN, Evaluation

_PATH = "/v1/evaluations"
_NAME = Parameter(
    "name",
    "path",
    "The evaluation: its file, without `.json`.",
    {"type": "string", "pattern": NAME_PATTERN, "example": "staff-2026-11"},
)


class WireEvaluation(Answer):
    name: str
    kind: str = Field(description="`face`, `voice`, `liveness` or `identification`.")
    at: datetime
    pack: str
    headline: dict[str, FiniteFloat] = Field(description="Its rates in a line, shares by name.")


class EvaluationsAnswer(Success):
    evaluations: list[WireEvaluation] = Field(description="The latest first.")


class EvaluationAnswer(WireEvaluation, Success):
    result: dict[str, Any] = Field(
        description="All rates with their intervals, as `perse evaluate --json` prints them, less "
        "what names files."
    )


async def list_evaluations(call: Call) -> EvaluationsAnswer:
    """The evaluations in the operator's folder."""
    found = await call.look_up(call.services.evaluations.all)
    return EvaluationsAnswer(
        evaluations=[WireEvaluation(**_summary(it)) for it in found],
        time_taken=call.time_taken(),
    )


async def show_evaluation(call: Call) -> EvaluationAnswer:
    """One of them."""
    name, shelf = call.request.path_params[_NAME.name], call.services.evaluations
    found = await call.look_up(lambda: shelf.get(name))
    return EvaluationAnswer(
        **_summary(found),
        result=without_nulls(found.result),
        time_taken=call.time_taken(),
    )


def _summary(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "name": evaluation.name,
        "kind": evaluation.kind,
        "at": evaluation.at,
        "pack": evaluation.pack,
        "headline": dict(evaluation.headline),
    }


_EVALUATION: dict[str, Any] = {
    "name": "staff-2026-11",
    "kind": "face",
    "at": "2026-11-28T09:30:00Z",
    "pack": "standard",
    "headline": {"failure_to_acquire": 0.004, "equal_error_rate": 0.011, "fmr": 1e-3, "fnmr": 0.02},
}
_SAID: dict[str, Any] = {"time_taken": 0.003, "status": 200}

OPERATIONS = (
    Operation(
        "GET",
        _PATH,
        list_evaluations,
        EvaluationsAnswer,
        summary="List evaluations",
        tag="operation",
        description="What `perse evaluate` has measured and the operator keeps in the folder "
        "`PERSE_EVALUATIONS_DIR`; none where there is no such folder.",
        processes=None,
        needs=Needs.of(Permission.OPERATE),
        example={"evaluations": [_EVALUATION], **_SAID},
    ),
    Operation(
        "GET",
        f"{_PATH}/{{{_NAME.name}}}",
        show_evaluation,
        EvaluationAnswer,
        summary="Show an evaluation",
        tag="operation",
        parameters=(_NAME,),
        processes=None,
        needs=Needs.of(Permission.OPERATE),
        errors=(InvalidParameter, NotFound),
        example={
            **_EVALUATION,
            "result": {
                "people": 40,
                "failure_to_acquire": {"errors": 1, "trials": 250, "share": 0.004},
            },
            **_SAID,
        },
    ),
)
