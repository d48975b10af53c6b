"""perse: face and voice biometrics on your own machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perse.engine import Engine as Engine
    from perse.engine import open_engine as open_engine

__version__ = "0.1.0"
__all__ = ["Engine", "open_engine"]


def __getattr__(name: str) -> object:
    # Opened lazily so that `perse --version` and the domain do not load the network runtime.
    if name in __all__:
        from perse import engine  # noqa: PLC0415

        return getattr(engine, name)
    raise AttributeError(f"module 'perse' has no attribute {name!r}")
