"""Whether all frames show one and the same face, and whether it looks like one before a camera."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perse.domain.session_frames import FailureReason, ObservedFrame, SessionPoints

# Of the frames of a session, so large a share may look worse than their score says: a blink, a
# turn, a smear.
_PAD_QUANTILE = 0.25


def lowest_cosine(frames: Sequence[ObservedFrame]) -> float | None:
    """Between the most recognisable frame and any other; None of fewer than two templates."""
    known = [frame for frame in frames if frame.template is not None]
    if len(known) < 2:
        return None
    reference = max(known, key=lambda frame: frame.recognisability or 0.0)
    cosines = [
        reference.template.cosine(frame.template)
        for frame in known
        if reference.template and frame.template and frame is not reference
    ]
    return min(cosines)


def identity_failures(
    frames: Sequence[ObservedFrame], points: SessionPoints
) -> list[FailureReason]:
    """FACE_CHANGED, FACE_NOT_RECOGNISABLE, TOO_FEW_FRAMES where there is nothing to compare."""
    lowest = lowest_cosine(frames)
    if lowest is None:
        return [FailureReason.TOO_FEW_FRAMES]
    best = [it.recognisability for it in frames if it.recognisability is not None]
    if best and max(best) < points.recognisability:
        return [FailureReason.FACE_NOT_RECOGNISABLE]
    return [FailureReason.FACE_CHANGED] if lowest < points.same_face_cosine else []


def session_pad(frames: Sequence[ObservedFrame]) -> float | None:
    """0..1, higher = more bona fide: what three of four frames reach; None where none has one."""
    scores = [frame.pad.value for frame in frames if frame.pad is not None]
    return float(np.quantile(scores, _PAD_QUANTILE, method="lower")) if scores else None
