"""Face and voice together, where they were measured together."""

from __future__ import annotations

from perse.bootstrap.voices import VoiceServices
from perse.domain.modality_fusion import ModalityFusion
from perse.errors import InvalidParameter
from perse.pipelines.comparison import CompareFaces
from perse.weights.fusion import shipped_modality_fusion


def fusion_of(faces: CompareFaces, voices: VoiceServices) -> ModalityFusion | None:
    """None for scales that were measured at too few rates to tell anything together."""
    try:
        return shipped_modality_fusion(faces.scale.points, voices.compare.scale)
    except InvalidParameter:
        return None
