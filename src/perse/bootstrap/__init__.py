"""The composition root: from settings to running services. The only place that wires."""

from __future__ import annotations

from perse.bootstrap.access import (
    open_authenticator,
    open_keys,
    open_signing_keys,
    open_storage,
)
from perse.bootstrap.weights import obtain_networks

__all__ = [
    "obtain_networks",
    "open_authenticator",
    "open_keys",
    "open_signing_keys",
    "open_storage",
]
