"""Numbers in a query or a form."""

from __future__ import annotations

import re

from perse.errors import InvalidParameter

_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", re.ASCII)


def whole_number(text: str, name: str, *, most: int) -> int:
    """1 to ``most``. Raises InvalidParameter."""
    digits = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
    if not (digits and 1 <= int(text) <= most):
        raise InvalidParameter(f"{name} must be a whole number from 1 to {most}")
    return int(text)


def decimal_number(text: str, name: str) -> float:
    """At least 0, as 0.01 or 1e-2; inf where it is too large. Raises InvalidParameter."""
    if not _DECIMAL.fullmatch(text):
        raise InvalidParameter(f"{name} must be a number such as 0.01 or 1e-2")
    return float(text)
