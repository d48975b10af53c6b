"""SFace: whose face it is.

Zhong, Deng, Hu, Zhao, Li, Wen: SFace (2021); opencv_zoo. Input 1 x 3 x 112 x 112, RGB 0..255, the
face on the common frame; output 1 x 128, not normalised.
"""

from __future__ import annotations

from perse.domain.alignment import ChipFrame, Places
from perse.domain.samples import ModelName
from perse.networks.chip_embedder import ChipEmbedder, ChipInput
from perse.networks.session import Session

INPUT = ChipInput(ChipFrame(112))


def sface_embedder(session: Session, model: ModelName, *, canon: Places) -> ChipEmbedder:
    """``canon``: the detector's five points in the common frame (domain/alignment)."""
    return ChipEmbedder(session, model, INPUT, places=INPUT.frame.place(canon))
