"""What bulk work is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """One file of a source. ``person``: whose it is said to be. ``name``: what reports call it.
    ``address``: where every worker finds it, an absolute path or a URL that fsspec knows."""

    person: str
    name: str
    address: str


# What is handed to a worker at a time.
Part = Sequence[Item]
