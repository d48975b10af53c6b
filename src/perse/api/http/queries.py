"""Values of a query."""

from __future__ import annotations

from perse.errors import InvalidParameter

_MOST_DIGITS = 9


def whole_number(text: str, name: str, *, most: int) -> int:
    """1 to ``most``. Raises InvalidParameter."""
    digits = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    if not (digits and 1 <= int(text) <= most):
        raise InvalidParameter(f"{name} must be a whole number from 1 to {most}")
    return int(text)
