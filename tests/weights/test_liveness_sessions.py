from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perse.domain.decisions import OperatingPoint, SimilarityScale
from perse.domain.resemblance import ResemblanceScale
from perse.domain.samples import ModelName
from perse.weights.catalogue import load_catalog
from perse.weights.liveness_sessions import shipped_head, shipped_session_rules

SCALE = ResemblanceScale(
    SimilarityScale([OperatingPoint(fmr, cosine) for fmr, cosine in ((1e-2, 0.3), (1e-4, 0.4))])
)
PAD = load_catalog().card(ModelName("perse_pad"))


def test_the_same_face_is_told_at_the_embedders_own_rate() -> None:
    points = shipped_session_rules(SCALE, PAD).points
    assert points.same_face_cosine == pytest.approx(0.35)


def test_each_attack_detector_has_its_own_least_score() -> None:
    known = shipped_session_rules(SCALE, PAD).points.pad
    other = replace(PAD, name=ModelName("somebody_elses"))
    assert PAD.attack_point is not None
    assert shipped_session_rules(SCALE, other).points.pad == PAD.attack_point.score
    assert known
    assert shipped_session_rules(SCALE, None).points.pad is None


def test_the_average_head_has_its_nose_before_its_eyes_and_its_cheeks_behind() -> None:
    head = shipped_head()
    nose, cheeks = (
        head.depth_at(np.array([[0.0, 0.5]])),
        head.depth_at(np.array([[-1, 0.3], [1, 0.3]])),
    )
    assert nose < -0.5
    assert (cheeks > 0.1).all()
    assert np.allclose(head.anchors[0] + head.anchors[1], 0, atol=0.02)


def test_the_average_head_is_as_wide_to_the_right_as_to_the_left() -> None:
    depth = shipped_head().depth
    assert abs(depth - depth[:, ::-1]).max() < 0.1
