"""From a native measure to a component 0..100, as ISO/IEC 29794-5 does."""

from __future__ import annotations

import math


def sigmoid(value: float, middle: float, width: float) -> float:
    """0..1, a half at ``middle``; rises for ``width`` > 0."""
    return 1 / (1 + math.exp((middle - value) / width))


def component(quality: float) -> int:
    """Rounded and kept within 0..100."""
    return min(100, max(0, round(quality)))
