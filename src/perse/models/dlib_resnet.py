"""dlib's face recognition network, a ResNet of 29 layers: whose face it is.

King: dlib-models (2017), converted by models/convert. Input N x 3 x 150 x 150, RGB 0..255,
normalised inside the graph; output N x 128, not normalised. dlib's own chip is the mean face of its
five-point predictor in a margin of a quarter on every side, which puts the middles of the eyes at
(47.7, 47.1) and (100.3, 47.1). With our detectors' points a chip that is 4 % tighter and 2 px
higher separates people better (measured 2026-11-23 on the development set), so this one is.
"""

from __future__ import annotations

from perse.domain.alignment import ChipFrame, Places
from perse.domain.samples import ModelName
from perse.models.chip_embedder import ChipEmbedder, ChipInput
from perse.models.session import Session

INPUT = ChipInput(ChipFrame(150, side=96.15, centre=(56.23, 70.45)))


class DlibResnetEmbedder(ChipEmbedder):
    """``canon``: the detector's five points in the common frame (domain/alignment)."""

    def __init__(self, session: Session, model: ModelName, *, canon: Places) -> None:
        super().__init__(session, model, INPUT, places=INPUT.frame.place(canon))
