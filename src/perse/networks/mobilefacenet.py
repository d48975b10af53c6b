"""MobileFaceNet: whose face it is.

Chen, Liu, Gao, Han: MobileFaceNets (2018); foamliu/MobileFaceNet. Input 1 x 3 x 112 x 112, RGB,
(pixel - mean) / std with ImageNet's mean and deviation; output 1 x 128, not normalised.
"""

from __future__ import annotations

from perse.domain.alignment import ChipFrame, Places
from perse.domain.samples import ModelName
from perse.networks.chip_embedder import ChipEmbedder, ChipInput
from perse.networks.session import Session

INPUT = ChipInput(ChipFrame(112), mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))


def mobilefacenet_embedder(session: Session, model: ModelName, *, canon: Places) -> ChipEmbedder:
    """``canon``: the detector's five points in the common frame (domain/alignment)."""
    return ChipEmbedder(session, model, INPUT, places=INPUT.frame.place(canon))
