"""A small model of recognisability: three-valued templates, damage lies along the third value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from perse.domain.decisions import OperatingPoint, SimilarityScale
from perse.domain.recognisability import Recognisability, Sharing
from perse.domain.references import Template, Traits
from perse.domain.resemblance import ResemblanceScale
from perse.domain.samples import ModelName

GOOD, POOR, HOPELESS = Traits(10.0, 0.97), Traits(8.0, 0.93), Traits(2.0, 0.5)
NET = ModelName("net")


def along(directions: NDArray[np.float32]) -> Sharing:
    """Damage of 0.6 and more along a direction, of captures in doubt: it adds 0.3 to templates, and
    what is left of it is worth 0.8."""
    count = len(directions)
    tellers = np.column_stack((10 * directions, np.full(count, 20.0), np.full(count, -8.0)))
    return Sharing(tellers, 0.3 * directions, np.full(count, 0.9), cushion=0.02)


def with_damage_along(directions: NDArray[np.float32]) -> Recognisability:
    return replace(MODEL, directions=directions, sharing=along(directions))


MODEL = Recognisability(
    directions=np.array([[0, 0, 1]], np.float32),
    typical_length=10.0,
    lowest=(-3.0, 0.0, 0.0, 0.0),
    highest=(0.2, 1.0, 1.0, 1.0),
    weights=(-1.0, 6.0, 6.0, -3.0, 0.0),
    least=0.5,
    sharing=along(np.array([[0, 0, 1]], np.float32)),
)
POINTS = SimilarityScale([OperatingPoint(1e-2, 0.3), OperatingPoint(1e-5, 0.6)])
SCALE = ResemblanceScale(POINTS, MODEL)


def template(x: float, y: float, damage: float = 0.0, traits: Traits | None = GOOD) -> Template:
    """A person is an angle between ``x`` and ``y``."""
    return Template.of(np.array([x, y, damage], np.float32), NET, traits)
