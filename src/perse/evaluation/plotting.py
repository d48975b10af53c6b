"""Whether plots can be drawn here."""

from __future__ import annotations

from importlib.util import find_spec

from perse.errors import SetupError


def require_matplotlib() -> None:
    """Raises SetupError, saying how to install it, when matplotlib is missing."""
    if find_spec("matplotlib") is None:
        raise SetupError(
            "plots need matplotlib: install it with pip install 'perse[evaluate]', or leave out "
            "--report"
        )
