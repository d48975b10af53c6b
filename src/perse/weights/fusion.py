"""How samples, and face and voice, are taken together: the fitted numbers that ship with perse.

``shipped/fusion.toml`` holds them and what they were fitted on; ``training/fusion`` prints it.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from typing import Any

from perse.domain.decisions import SimilarityScale, similarity_at_fmr
from perse.domain.modality_fusion import Evidence, ModalityFusion
from perse.domain.sample_fusion import SampleFusion
from perse.domain.samples import ModelName
from perse.weights.store import PACKAGED


def shipped_sample_fusion(embedder: ModelName) -> SampleFusion:
    """That of a face or speaker embedder; of one that was not measured, the plain mean."""
    return SampleFusion(_tables()["samples"].get(embedder, 0.0))


def shipped_modality_fusion(face: SimilarityScale, voice: SimilarityScale) -> ModalityFusion:
    """For the scales of the embedders that are used, as far as rates were measured for them."""
    return ModalityFusion(_evidence("face", face), _evidence("voice", voice))


def _evidence(modality: str, scale: SimilarityScale) -> Evidence:
    highest = round(similarity_at_fmr(scale.points[-1].fmr), 6)
    return Evidence(highest=highest, **_tables()[modality])


@lru_cache(maxsize=1)
def _tables() -> dict[str, dict[str, Any]]:
    return tomllib.loads((PACKAGED / "fusion.toml").read_text(encoding="utf-8"))
