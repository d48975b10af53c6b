"""The second look with real networks on real portraits and on drawn ones."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from perse.domain.geometry import Box
from perse.domain.samples import FaceImage, ModelName
from perse.networks import yunet
from perse.networks.facemesh import FaceMeshPose
from perse.networks.second_look import CloseLooks
from perse.networks.session import open_session
from perse.networks.yunet import YunetDetector
from perse.pipelines.face_search import MultiScaleDetector
from perse.pipelines.ports import SecondLook
from perse.pipelines.upright_search import UprightSearch
from perse.weights.catalogue import Catalog
from perse.weights.store import WeightStore
from tests.drawn_faces import smiley

PORTRAITS = sorted((Path(__file__).parents[1] / "samples" / "portraits").glob("*.jpg"))


@pytest.fixture(scope="module")
def finder(catalog: Catalog, weights: WeightStore) -> YunetDetector:
    card = catalog.card("yunet_2023mar")
    return YunetDetector(open_session(weights.obtain(card)), card.name, threshold=0.3)


@pytest.fixture(scope="module")
def looks(finder: YunetDetector, catalog: Catalog, weights: WeightStore) -> SecondLook:
    session = open_session(weights.obtain(catalog.card("facemesh")))
    return CloseLooks(finder, FaceMeshPose(session, ModelName("facemesh"), yunet.POINTS.head))


@pytest.fixture(scope="module", params=["with FaceMesh", "without"])
def search(
    request: pytest.FixtureRequest, finder: YunetDetector, looks: SecondLook, catalog: Catalog
) -> UprightSearch:
    point = catalog.card("yunet_2023mar").confirmation_point
    assert point is not None
    strict = YunetDetector(finder.session, finder.model)
    second = looks if request.param == "with FaceMesh" else CloseLooks(finder, None)
    return UprightSearch(MultiScaleDetector(strict, yunet.PLAN), second, point.rule())


def portrait(path: Path) -> FaceImage:
    return FaceImage(np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB), np.uint8))


def turned(image: FaceImage, quarter_turns: int) -> FaceImage:
    """Clockwise."""
    return FaceImage(np.ascontiguousarray(np.rot90(image.pixels, -quarter_turns)))


@pytest.mark.parametrize("path", PORTRAITS, ids=lambda path: path.stem)
@pytest.mark.parametrize("turns", range(4))
def test_a_face_looks_most_like_one_the_right_way_up(
    search: UprightSearch, path: Path, turns: int
) -> None:
    image = portrait(path)
    largest = max(search.search.detect(image), key=lambda face: face.box.area)
    x, y = largest.box.centre
    side = largest.box.longer_side
    (x, y) = (
        (x, y),
        (image.height_px - y, x),
        (image.width_px - x, image.height_px - y),
        (y, image.width_px - x),
    )[turns]
    box = Box(x - side / 2, y - side / 2, side, side)
    seen = [search.second_look.look(turned(image, turns), box, turn) for turn in range(4)]
    assert max(range(4), key=lambda turn: seen[turn].score) == turns
    assert search.rule.standing(seen) == turns
    if seen[turns].log_odds is not None:
        assert max(range(4), key=lambda turn: seen[turn].log_odds or -99.0) == turns


@pytest.mark.parametrize("path", PORTRAITS, ids=lambda path: path.stem)
def test_a_portrait_needs_no_second_look(search: UprightSearch, path: Path) -> None:
    faces = search.search.detect(portrait(path))
    assert max(face.score for face in faces) >= search.rule.clear_glance


def test_a_smiley_is_no_face_though_it_looks_like_one_at_a_glance(search: UprightSearch) -> None:
    image = FaceImage(smiley())
    assert len(search.search.detect(image)) == 1
    assert search.detect(image) == []


def test_a_place_without_anything_is_seen_as_such(looks: SecondLook) -> None:
    empty = FaceImage(np.full((200, 200, 3), 128, np.uint8))
    seen = looks.look(empty, Box(50, 50, 80, 100), 1)
    assert (seen.score, seen.log_odds) == (0.0, None)


def test_a_place_beyond_the_border_can_be_looked_at(looks: SecondLook) -> None:
    for box in (Box(-300, -300, 50, 50), Box(-20, 150, 90, 90), Box(190, 190, 600, 700)):
        assert 0 <= looks.look(portrait(PORTRAITS[0]), box, 2).score <= 1
