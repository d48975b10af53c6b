"""What faces and voices have in common on the wire: numbers, thresholds, verdicts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, FiniteFloat

from perse.api.http.answers import Answer
from perse.domain.verdicts import Verdict

_DECIMALS = 6

Share = Annotated[FiniteFloat, Field(ge=0, le=1)]
Models = Annotated[dict[str, str], Field(description="Role -> network that filled it.")]
Thresholds = Annotated[dict[str, Share], Field(description='FMR ("1e-4") -> similarity.')]
PointIds = Annotated[
    dict[str, str],
    Field(
        description='What each threshold stands on: "catalogue", or the id of operating points '
        "that this installation measured itself."
    ),
]


class MetricVerdict(Answer):
    """Whether a measure is good enough, and what a person can do about it."""

    passed: bool = Field(alias="pass")
    direction: Literal["lower_is_better", "higher_is_better"]
    guidance: str = Field(description="Empty when there is nothing to do.")


def verdict_of(verdict: Verdict) -> MetricVerdict:
    """The verdict in the contract's words."""
    direction = "higher_is_better" if verdict.higher_is_better else "lower_is_better"
    return MetricVerdict.model_validate(
        {"pass": verdict.passed, "direction": direction, "guidance": verdict.guidance}
    )


def number(value: float) -> float:
    """A plain float, without digits that mean nothing."""
    return round(float(value), _DECIMALS)
