from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from perse.domain.decisions import OperatingPoint, PadScore, SimilarityScale
from perse.domain.faces import FaceComparison
from perse.domain.geometry import DetectedFace
from perse.domain.resemblance import Resemblance, ResemblanceScale
from perse.errors import NoFaceDetected
from perse.pipelines.comparison import CaptureFace, CompareFaces, Picture
from perse.pipelines.detection import AssessFace, DetectFaces, FindFaces, Recognise
from tests.fakes.face_ports import (
    FakeAttackDetector,
    FakeDetector,
    FakeEmbedder,
    FakePose,
    FakeQuality,
    blank,
    face_at,
)
from tests.fakes.faces import face
from tests.recognisable import GOOD, with_damage_along

SCALE = ResemblanceScale(SimilarityScale([OperatingPoint(1e-2, 0.2), OperatingPoint(1e-3, 0.9)]))


def find(*faces: DetectedFace, max_faces: int = 100) -> FindFaces:
    return FindFaces(FakeDetector(faces), max_faces)


def assess(attacks: FakeAttackDetector | None) -> AssessFace:
    return AssessFace(FakePose(), FakeQuality(), attacks)


def detect(*faces: DetectedFace, attacks: FakeAttackDetector | None = None) -> DetectFaces:
    return DetectFaces(find(*faces), assess(attacks), None)


def compare(faces: Sequence[DetectedFace], attacks: FakeAttackDetector | None) -> CompareFaces:
    return CompareFaces(CaptureFace(find(*faces), assess(attacks), FakeEmbedder()), SCALE)


def test_faces_come_largest_first_whatever_their_scores() -> None:
    small, large = face_at(80, 150, 40, score=0.99), face_at(250, 150, 100, score=0.7)
    found = detect(small, large)(blank())
    assert [face.face.box for face in found.faces] == [large.box, small.box]


def test_a_face_cut_by_the_border_is_left_out() -> None:
    cut, whole = face_at(5, 150, 100), face_at(200, 150, 100)
    found = detect(cut, whole)(blank()).faces
    assert [face.face.box for face in found] == [whole.box]


def test_no_more_faces_are_judged_than_the_limit() -> None:
    faces = [face_at(40 + 60 * column, 150, 40) for column in range(5)]
    assert len(find(*faces, max_faces=3)(blank())) == 3


def test_a_picture_without_faces_is_a_detection_with_none() -> None:
    detection = detect()(blank())
    assert detection.faces == ()
    assert detection.image.sharpness == 0.8


def test_without_an_attack_detector_no_liveness_is_invented() -> None:
    detection = detect(face_at(200, 150, 100))(blank())
    assert detection.faces[0].pad is None
    assert "face_attack_detector" not in detection.models


def test_every_face_says_how_recognisable_it_is_where_that_is_asked() -> None:
    faces = find(face_at(100, 150, 90), face_at(300, 150, 80))
    scale = replace(SCALE, model=with_damage_along(np.eye(2, dtype=np.float32)))
    recognise = Recognise(FakeEmbedder(traits=GOOD), scale)
    asked = DetectFaces(faces, assess(None), recognise)(blank())
    told = [face.recognisability for face in asked.faces]
    assert [value is not None and 0 < value < 1 for value in told] == [True, True]
    assert asked.models["face_embedder"] == "fake-embedder"
    unasked = DetectFaces(faces, assess(None), None)(blank())
    assert [face.recognisability for face in unasked.faces] == [None, None]
    assert "face_embedder" not in unasked.models


def test_an_attack_detector_scores_every_face() -> None:
    faces = face_at(100, 150, 90), face_at(300, 150, 80)
    detection = detect(*faces, attacks=FakeAttackDetector([0.9, 0.2]))(blank())
    assert [face.pad for face in detection.faces] == [PadScore(0.9), PadScore(0.2)]


def test_the_largest_faces_are_compared() -> None:
    comparison = compare([face_at(60, 150, 30), face_at(250, 150, 100)], None)(
        Picture("a", blank), Picture("b", blank)
    )
    assert comparison.cosine == pytest.approx(1)
    assert comparison.models == {
        "face_detector": "fake-detector",
        "face_embedder": "fake-embedder",
    }


def test_the_lower_liveness_of_two_pictures_counts() -> None:
    comparison = compare([face_at(200, 150, 100)], FakeAttackDetector([0.9, 0.3]))(
        Picture("a", blank), Picture("b", blank)
    )
    assert comparison.pad == PadScore(0.3)


def test_the_picture_without_a_face_is_named() -> None:
    with pytest.raises(NoFaceDetected, match="image_file2"):
        compare([], None).capture(Picture("image_file2", blank))


def test_a_liveness_that_one_picture_lacks_is_not_filled_from_the_other() -> None:
    faces = face(pad=PadScore(0.9)), face(pad=None)
    same = Resemblance(0.93, True, 0.71)
    assert FaceComparison(same, faces, models={}).pad is None


def test_a_box_drawn_past_the_border_is_answered_within_it() -> None:
    near = face_at(60, 55, 100)
    (found,) = detect(near)(blank()).faces
    assert near.box.top < 0
    assert found.face.box.top == 0
    assert found.face.box.bottom == pytest.approx(near.box.bottom)
