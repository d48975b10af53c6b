"""Documents without null, which the wire does not know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def without_nulls(value: Any) -> Any:  # noqa: ANN401 - a JSON document
    """The same, less every key whose value is None."""
    if isinstance(value, Mapping):
        return {key: without_nulls(it) for key, it in value.items() if it is not None}
    return [without_nulls(it) for it in value] if isinstance(value, list) else value
