"""The fitted models of recognisability that ship with perse, by the embedder they are of.

``shipped/recognisability.toml`` holds their numbers and what they were fitted on,
``shipped/NAME_directions.npy`` and ``shipped/NAME_tellers.npy`` the directions of damage and what
tells it; all are written by ``training/recognisability``.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from typing import Any

import numpy as np

from perse.domain.recognisability import Recognisability, Sharing
from perse.domain.samples import ModelName
from perse.weights.store import PACKAGED

_FITTED = ("typical_length", "lowest", "highest", "weights", "least")


@lru_cache
def shipped_recognisability(embedder: ModelName) -> Recognisability | None:
    """None for a network that was not measured, such as one of the user's own."""
    table = _tables().get(embedder)
    if table is None:
        return None
    directions, tellers = (
        np.load(PACKAGED / f"{embedder}_{what}.npy", allow_pickle=False)
        for what in ("directions", "tellers")
    )
    told = table["sharing"]
    steps = directions * np.array(told["reach"], np.float32)[:, None]
    sharing = Sharing(tellers, steps, np.array(told["surplus"]), told["cushion"])
    return Recognisability(directions, sharing=sharing, **{name: table[name] for name in _FITTED})


def _tables() -> dict[str, dict[str, Any]]:
    return tomllib.loads((PACKAGED / "recognisability.toml").read_text(encoding="utf-8"))
