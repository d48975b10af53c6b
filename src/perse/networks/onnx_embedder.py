"""A face embedder of the user's own, from an ONNX file and a few parameters of its catalogue entry.

Input N x 3 x size x size, float32, (pixel - mean) / std per channel; output N x features.
"""

from __future__ import annotations

from numpy.typing import ArrayLike

from perse.domain.alignment import ARCFACE_TEMPLATE, ChipFrame, Places, SimilarityTransform
from perse.domain.samples import ModelName
from perse.errors import NetworkUnusable
from perse.networks.chip_embedder import ChipEmbedder, ChipInput
from perse.networks.session import Session


def own_embedder(
    session: Session,
    model: ModelName,
    chip: ChipInput,
    *,
    own_canon: ArrayLike | None,
    canon: Places,
) -> ChipEmbedder:
    """``chip``: what the network takes, as declared. ``own_canon``: where it wants the usual
    template, in pixels of its chip; ``canon``: the detector's five points in the common frame
    (domain/alignment).

    Raises NetworkUnusable when the network's one input is not of the declared size.
    """
    check_input(session, chip.frame.size_px)
    return ChipEmbedder(session, model, chip, places=own_places(chip.frame, own_canon, canon))


def own_places(frame: ChipFrame, own: ArrayLike | None, canon: Places) -> Places:
    """Where the detector's points belong on the chip, in pixels.

    ``own`` says where the usual template belongs there; the detector's canon moves with it. None:
    the common frame fills the chip.
    """
    if own is None:
        return frame.place(canon)
    return SimilarityTransform.fit(ARCFACE_TEMPLATE, own).apply(canon)


def check_input(session: Session, size_px: int) -> None:
    """Raises NetworkUnusable unless ``session`` takes one picture of that size."""
    if len(session.input_names) != 1:
        raise NetworkUnusable(
            f"a face embedder takes one input, this network takes {len(session.input_names)}"
        )
    shape = session.input_shape(session.input_names[0])
    wanted = (1, 3, size_px, size_px)
    if len(shape) != len(wanted) or any(
        side not in (None, want) for side, want in zip(shape, wanted, strict=True)
    ):
        raise NetworkUnusable(
            f"the catalogue says {wanted}, the network takes {shape}: correct size_px"
        )
