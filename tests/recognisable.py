"""A small model of recognisability: three-valued templates, damage lies along the third value."""

from __future__ import annotations

import numpy as np

from perse.domain.decisions import OperatingPoint, SimilarityScale
from perse.domain.recognisability import Recognisability, Sharing
from perse.domain.references import Template, Traits
from perse.domain.resemblance import ResemblanceScale
from perse.domain.samples import ModelName

GOOD, POOR, HOPELESS = Traits(10.0, 0.97), Traits(8.0, 0.93), Traits(2.0, 0.5)
NET = ModelName("net")
MODEL = Recognisability(
    directions=np.array([[0, 0, 1]], np.float32),
    typical_length=10.0,
    lowest=(-3.0, 0.0, 0.0, 0.0),
    highest=(0.2, 1.0, 1.0, 1.0),
    weights=(-1.0, 6.0, 6.0, -3.0, 0.0),
    least=0.5,
    sharing=Sharing(surplus=0.1, weight=1.0, cushion=0.02, no_doubt=0.0, full_doubt=0.2),
)
POINTS = SimilarityScale([OperatingPoint(1e-2, 0.3), OperatingPoint(1e-5, 0.6)])
SCALE = ResemblanceScale(POINTS, MODEL)


def template(x: float, y: float, damage: float = 0.0, traits: Traits | None = GOOD) -> Template:
    """A person is an angle between ``x`` and ``y``."""
    return Template.of(np.array([x, y, damage], np.float32), NET, traits)
