"""What answers have in common. An attribute that is None was not in the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from perse_client.reading import named


@dataclass(frozen=True, kw_only=True)
class Answer:
    """``time_taken``: seconds that the server took. ``status``: of HTTP."""

    time_taken: float
    status: int


@dataclass(frozen=True, kw_only=True)
class MetricVerdict:
    """``direction``: lower_is_better or higher_is_better. ``guidance``: a sentence for the person,
    empty when there is nothing to do."""

    passed: bool = named("pass")
    direction: str
    guidance: str


Verdicts = Mapping[str, MetricVerdict]
# Role -> network that filled it.
Models = Mapping[str, str]
# False match rate ("1e-4") -> similarity.
Thresholds = Mapping[str, float]
# Measure -> "catalogue", or the id of operating points that the installation measured itself.
PointIds = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Receipt(Answer):
    """``receipt``: signed proof of destruction (JWS); ``get_public_keys`` has what verifies it."""

    receipt: str
