"""The operating points of liveness sessions and the average head that ship with perse.

``shipped/liveness_sessions.toml`` says what they were fitted on; ``benchmarks/liveness_sessions``
prints it. ``shipped/head_shape.npz`` is printed by ``training/head_shape.py``.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from typing import Any

import numpy as np

from perse.domain.relief import HeadShape
from perse.domain.resemblance import ResemblanceScale
from perse.domain.session_frames import SessionPoints
from perse.domain.session_judgement import SessionRules
from perse.weights.cards import ModelCard
from perse.weights.store import PACKAGED


def shipped_session_rules(scale: ResemblanceScale, attacks: ModelCard | None) -> SessionRules:
    """For the scale of the face embedder and the attack detector that are used; without one, no
    PAD score is asked for."""
    told = dict(_tables()["rules"])
    cosine = scale.points.cosine(scale.points.threshold(told.pop("same_face_fmr")))
    points = SessionPoints(
        pad=_least_pad(attacks),
        same_face_cosine=cosine,
        recognisability=scale.least_recognisability or 0.0,
        **told,
    )
    return SessionRules(points, shipped_head())


@lru_cache(maxsize=1)
def shipped_head() -> HeadShape:
    """The mean of FaceMesh's points over portraits, between the eyes and around them."""
    with np.load(PACKAGED / "head_shape.npz", allow_pickle=False) as arrays:
        return HeadShape(arrays["anchors"], arrays["depth"])


def _least_pad(attacks: ModelCard | None) -> float | None:
    if attacks is None:
        return None
    own = attacks.attack_point.score if attacks.attack_point else 0.0
    return float(_tables()["pad"].get(attacks.name, own))


@lru_cache(maxsize=1)
def _tables() -> dict[str, Any]:
    return tomllib.loads((PACKAGED / "liveness_sessions.toml").read_text(encoding="utf-8"))
