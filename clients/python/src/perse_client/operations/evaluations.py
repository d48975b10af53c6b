"""Error rates that the operator has measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from perse_client.call import Call, get, segment
from perse_client.operations.measures import Answer

_PATH = "/v1/evaluations"


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """``kind``: face, voice, liveness or identification. ``headline``: its rates in a line, shares
    by name."""

    name: str
    kind: str
    at: datetime
    pack: str
    headline: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class EvaluationList(Answer):
    """The latest first."""

    evaluations: tuple[Evaluation, ...]


@dataclass(frozen=True, kw_only=True)
class EvaluationResult(Evaluation, Answer):
    """``result``: all rates with their intervals."""

    result: Mapping[str, Any]


def list_evaluations() -> Call[EvaluationList]:
    """The evaluations in the operator's folder."""
    return get(_PATH, EvaluationList)


def get_evaluation(name: str) -> Call[EvaluationResult]:
    """One of them."""
    return get(f"{_PATH}/{segment(name)}", EvaluationResult)
