from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from perse.domain.border_rule import wholly_inside
from perse.domain.geometry import DetectedFace, Framing
from perse.domain.samples import FaceImage, Pixels
from perse.networks import yunet
from perse.networks.candidates import Candidates, faces_among
from perse.networks.session import open_session
from perse.networks.yunet import PLAN, YunetDetector
from perse.pipelines.face_search import MultiScaleDetector
from perse.weights.catalogue import Catalog
from perse.weights.store import WeightStore

SAMPLES = Path(__file__).parents[1] / "samples"
PORTRAITS = sorted((SAMPLES / "portraits").glob("*.jpg"))
NO_FACES = sorted((SAMPLES / "no_face").glob("*.jpg"))


def read(path: Path) -> Pixels:
    decoded = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    return np.asarray(decoded, np.uint8)


def resized(pixels: Pixels, longer_px: int) -> Pixels:
    scale = longer_px / max(pixels.shape[:2])
    by_area = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=by_area), np.uint8)


@pytest.fixture(
    scope="module",
    params=["yunet_2023mar", pytest.param("yunet_n", marks=pytest.mark.shared)],
)
def detector(
    request: pytest.FixtureRequest, catalog: Catalog, weights: WeightStore
) -> MultiScaleDetector:
    card = catalog.card(request.param)
    return MultiScaleDetector(YunetDetector(open_session(weights.obtain(card)), card.name), PLAN)


def largest(detector: MultiScaleDetector, pixels: Pixels) -> DetectedFace:
    return max(detector.detect(FaceImage(pixels)), key=lambda face: face.box.area)


def inside(faces: Sequence[DetectedFace], pixels: Pixels) -> list[DetectedFace]:
    height, width = pixels.shape[:2]
    return [face for face in faces if wholly_inside(face, width_px=width, height_px=height)]


def cut_to_box(pixels: Pixels, face: DetectedFace, tightness: float) -> Pixels:
    x, y = face.box.centre
    half_width, half_height = (side * tightness / 2 for side in (face.box.width, face.box.height))
    top, bottom = max(0, round(y - half_height)), round(y + half_height)
    left, right = max(0, round(x - half_width)), round(x + half_width)
    return np.ascontiguousarray(pixels[top:bottom, left:right])


# --- reading the networks' answers --------------------------------------------------------------


def yunet_answer(width: int, height: int) -> dict[str, NDArray[np.float32]]:
    answer: dict[str, NDArray[np.float32]] = {}
    for stride in (8, 16, 32):
        cells = (width // stride) * (height // stride)
        for name, count in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
            answer[f"{name}_{stride}"] = np.zeros((1, cells, count), np.float32)
    return answer


def test_yunet_cells_become_boxes_and_points() -> None:
    answer = yunet_answer(96, 64)
    cell = 1 * 6 + 4  # second row, fifth column at stride 16
    answer["cls_16"][0, cell] = 0.81
    answer["obj_16"][0, cell] = 1.0
    answer["bbox_16"][0, cell] = (0.5, 0.25, np.log(2), np.log(3))
    answer["kps_16"][0, cell] = np.arange(10) / 10
    found = yunet.read_candidates(answer, 96, 0.7)
    assert found.scores == pytest.approx([0.9])
    assert found.corners == pytest.approx(np.array([[72 - 16, 20 - 24, 72 + 16, 20 + 24]]))
    expected = np.arange(10).reshape(5, 2) * 1.6 + (64, 16)
    assert found.points[0] == pytest.approx(expected, abs=1e-4)


def test_answers_that_are_no_numbers_are_no_faces() -> None:
    corners = np.array([[0, 0, np.inf, 9], [0, 0, 9, 9], [5, 5, 5, 9]], np.float32)
    points = np.zeros((3, 5, 2), np.float32)
    found = faces_among(
        Candidates(np.full(3, 0.9, np.float32), corners, points), Framing.whole(9, 9)
    )
    assert [face.box.width for face in found] == [9]


# --- real pictures ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PORTRAITS, ids=lambda path: path.stem)
def test_a_portrait_has_one_large_face_with_landmarks_in_order(
    detector: MultiScaleDetector, path: Path
) -> None:
    pixels = read(path)
    face = largest(detector, pixels)
    right_eye, left_eye, nose, mouth_right, mouth_left = face.landmarks.points
    assert right_eye[0] < nose[0] < left_eye[0]
    assert mouth_right[0] < mouth_left[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(mouth_right[1], mouth_left[1])
    assert face in inside([face], pixels)


@pytest.mark.parametrize("path", NO_FACES, ids=lambda path: path.stem)
def test_a_wall_a_cat_and_a_cup_have_no_face(detector: MultiScaleDetector, path: Path) -> None:
    assert list(detector.detect(FaceImage(read(path)))) == []


@pytest.mark.parametrize("side", [(480, 640), (1320, 1080)])
def test_noise_and_plain_grey_have_no_face(
    detector: MultiScaleDetector, side: tuple[int, int]
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*side, 3), dtype=np.uint8)
    assert list(detector.detect(FaceImage(noise))) == []
    assert list(detector.detect(FaceImage(np.full_like(noise, 128)))) == []


@pytest.mark.parametrize("tightness", [1.2, 1.0])
def test_a_selfie_that_fills_the_frame_is_found_and_counts(
    detector: MultiScaleDetector, tightness: float
) -> None:
    pixels = read(PORTRAITS[0])
    selfie = resized(cut_to_box(pixels, largest(detector, pixels), tightness), 1200)
    assert inside(detector.detect(FaceImage(selfie)), selfie)


@pytest.mark.parametrize("side", ["left", "right", "top", "bottom"])
@pytest.mark.parametrize("share", [0.35, 0.5, 0.65])
def test_a_face_cut_by_the_border_does_not_count(
    detector: MultiScaleDetector, side: str, share: float
) -> None:
    pixels = read(PORTRAITS[-1])
    box = largest(detector, pixels).box
    height, width = pixels.shape[:2]
    left = round(box.left + share * box.width) if side == "left" else 0
    right = round(box.right - share * box.width) if side == "right" else width
    top = round(box.top + share * box.height) if side == "top" else 0
    bottom = round(box.bottom - share * box.height) if side == "bottom" else height
    part = np.ascontiguousarray(pixels[top:bottom, left:right])
    assert inside(detector.detect(FaceImage(part)), part) == []


@pytest.mark.parametrize("face_px", [24, 40])
def test_small_faces_in_a_large_picture_are_all_found(
    detector: MultiScaleDetector, face_px: int
) -> None:
    portrait = read(PORTRAITS[0])
    face = largest(detector, portrait)
    head = cut_to_box(portrait, face, 1.6)
    head = resized(head, round(face_px * 1.6))
    scene = np.full((900, 1200, 3), 120, np.uint8)
    places = [(x, y) for x in range(30, 1100, 200) for y in range(30, 800, 200)]
    for x, y in places:
        scene[y : y + head.shape[0], x : x + head.shape[1]] = head
    assert len(detector.detect(FaceImage(scene))) == len(places)


@pytest.mark.parametrize("longer_px", [200, 600, 2000])
def test_a_face_is_at_the_same_place_at_every_size(
    detector: MultiScaleDetector, longer_px: int
) -> None:
    pixels = read(PORTRAITS[0])
    small = resized(pixels, longer_px)
    scale = longer_px / max(pixels.shape[:2])
    face, again = largest(detector, pixels), largest(detector, small)
    shift = again.landmarks.points / scale - face.landmarks.points
    assert np.abs(shift).max() < 0.07 * face.box.longer_side


def test_the_same_picture_gives_the_same_bits(detector: MultiScaleDetector) -> None:
    def digest() -> str:
        faces = detector.detect(FaceImage(read(PORTRAITS[0])))
        points = b"".join(face.landmarks.points.tobytes() for face in faces)
        return hashlib.sha256(points).hexdigest()

    assert digest() == digest()


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1), (17, 5)])
def test_odd_shapes_are_no_obstacle(detector: MultiScaleDetector, shape: tuple[int, int]) -> None:
    assert list(detector.detect(FaceImage(np.zeros((*shape, 3), np.uint8)))) == []
