"""What a pack of somebody's own gets of the second look, with the parts that it has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from perse.bootstrap.face_networks import FaceNetworks, open_face_networks
from perse.bootstrap.weights import PackOnDisk, obtain_networks
from perse.domain.five_point_pose import FivePointPose
from perse.domain.orientation import quarter_turns_of
from perse.domain.samples import FaceImage
from perse.pipelines.face_search import MultiScaleDetector
from perse.settings import load_settings
from perse.weights.catalogue import Catalog
from perse.weights.store import WeightStore
from tests.conftest import REPOSITORY
from tests.drawn_faces import smiley

PORTRAIT = REPOSITORY / "tests" / "samples" / "portraits" / "collins_1992.jpg"


@pytest.fixture(scope="module")
def on_disk(
    tmp_path_factory: pytest.TempPathFactory, catalog: Catalog, weights: WeightStore
) -> PackOnDisk:
    for card in catalog.cards_of("standard").values():
        weights.obtain(card)
    folder = tmp_path_factory.mktemp("own")
    (folder / "weights").symlink_to(REPOSITORY / "build" / "weights")
    return obtain_networks(load_settings(data_dir=folder, pack="standard", offline=True))


@pytest.fixture(scope="module")
def without_landmarker(on_disk: PackOnDisk) -> FaceNetworks:
    cards = dict(on_disk.cards)
    del cards["face_landmarker"]
    return open_face_networks(replace(on_disk, cards=cards), threads=1)


@pytest.fixture(scope="module")
def never_measured(on_disk: PackOnDisk) -> FaceNetworks:
    detector = replace(on_disk.cards["face_detector"], confirmation_point=None)
    cards = {**on_disk.cards, "face_detector": detector}
    return open_face_networks(replace(on_disk, cards=cards), threads=1)


def portrait(path: Path, quarter_turns: int) -> FaceImage:
    pixels = np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB), np.uint8)
    return FaceImage(np.ascontiguousarray(np.rot90(pixels, -quarter_turns)))


@pytest.mark.parametrize("turns", range(4))
def test_without_a_landmarker_the_detector_alone_rights_a_face(
    without_landmarker: FaceNetworks, turns: int
) -> None:
    faces = without_landmarker.detector.detect(portrait(PORTRAIT, turns))
    assert [quarter_turns_of(face.landmarks) for face in faces] == [turns]
    assert isinstance(without_landmarker.pose, FivePointPose)


def test_without_a_landmarker_a_drawing_is_still_no_face(without_landmarker: FaceNetworks) -> None:
    assert without_landmarker.detector.detect(FaceImage(smiley())) == []


def test_a_detector_that_nobody_measured_is_believed(never_measured: FaceNetworks) -> None:
    assert isinstance(never_measured.detector, MultiScaleDetector)
    assert len(never_measured.detector.detect(FaceImage(smiley()))) == 1
