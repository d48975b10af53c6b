"""What models say of people whom they were not fitted on."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from perse.domain.recognisability import Recognisability
from training.recognisability.captures import Captures
from training.recognisability.rates import Bank, Told, told_of

Fit = Callable[[Bank], Recognisability]

_PARTS = 5


def told_by_others(bank: Bank, fit: Fit) -> dict[str, Told]:
    """Of each person's captures what a model says that ``fit`` made of other people's."""
    parts = {name: _part(captures) for name, captures in bank.items()}
    said: dict[str, list[Told]] = {name: [] for name in bank}
    for part in range(_PARTS):
        model = fit({name: captures.of(parts[name] != part) for name, captures in bank.items()})
        for name, captures in bank.items():
            said[name].append(told_of(model, captures.of(parts[name] == part)))
    return {name: _in_order(told, parts[name]) for name, told in said.items()}


def _part(captures: Captures) -> NDArray[np.int64]:
    """Of each capture a number that everything of its person has."""
    return np.array([zlib.crc32(person.encode()) % _PARTS for person in captures.person])


def _in_order(told: list[Told], parts: NDArray[np.int64]) -> Told:
    """As the captures were, which lie part by part in ``told``."""
    order = np.argsort(np.argsort(parts, kind="stable"), kind="stable")
    return Told(
        np.concatenate([it.known for it in told])[order],
        np.concatenate([it.chances for it in told])[order],
    )
