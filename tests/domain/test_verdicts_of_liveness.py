from __future__ import annotations

from dataclasses import replace

import pytest

from perse.domain.faces import AssessedFace
from perse.domain.geometry import Box, HeadPose
from perse.domain.verdicts import judge_face, liveness_obstacle
from tests.fakes.faces import THRESHOLDS, face


def obstacle(assessed: AssessedFace) -> str | None:
    return liveness_obstacle(assessed, judge_face(assessed, THRESHOLDS))


def test_a_good_face_has_a_liveness_that_can_be_believed() -> None:
    assert obstacle(face()) is None


def test_a_tiny_face_has_none_whatever_its_metrics() -> None:
    good = face()
    tiny = replace(good, face=replace(good.face, box=Box(1, 1, 30, 40)))
    assert "closer" in str(obstacle(tiny))


@pytest.mark.parametrize(
    ("measure", "value"),
    [("underexposure", 0.99), ("overexposure", 0.5), ("sharpness", 0.1), ("rotation", 60.0)],
)
def test_a_metric_beyond_its_threshold_speaks_against_it(measure: str, value: float) -> None:
    good = face()
    bad = replace(good, metrics=replace(good.metrics, **{measure: value}))
    assert obstacle(bad) == judge_face(bad, THRESHOLDS)[measure].guidance


@pytest.mark.parametrize(
    ("roll", "advice"), [(90.0, "the right way up"), (-179.0, "the right way up"), (30.0, "Look")]
)
def test_of_a_head_that_lies_the_picture_is_to_be_turned(roll: float, advice: str) -> None:
    good = face()
    metrics = replace(good.metrics, rotation=abs(roll))
    assert advice in str(obstacle(replace(good, pose=HeadPose(0, 0, roll), metrics=metrics)))
