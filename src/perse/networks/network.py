"""What every network has: what runs it, and its name in answers."""

from __future__ import annotations

from dataclasses import dataclass

from perse.domain.samples import ModelName
from perse.networks.session import Session


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A network in a role. Nothing about it changes once it is opened."""

    session: Session
    model: ModelName
