"""The attack detector that ships inside the package: the file itself, and what it says."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import pytest
from pydantic import TypeAdapter

from perse.domain.geometry import Box
from perse.domain.samples import FaceImage, ModelName
from perse.networks import perse_pad
from perse.networks.pad_scale import PadScale
from perse.networks.perse_pad import PersePadDetector, log_odds_from, tensor_of
from perse.networks.session import Session, open_session
from perse.weights.catalogue import load_catalog
from perse.weights.store import PACKAGED

CARD = load_catalog().models[ModelName("perse_pad")]
FILE = PACKAGED / CARD.file
MOST_PARAMETERS = 700_000
MOST_BYTES = 3_000_000


@pytest.fixture(scope="module")
def session() -> Session:
    return open_session(FILE)


@pytest.fixture(scope="module")
def detector(session: Session) -> PersePadDetector:
    scale = TypeAdapter(PadScale).validate_python(dict(CARD.parameters))
    return PersePadDetector(session, CARD.name, scale=scale)


def drawn(seed: int, height: int = 300, width: int = 260) -> FaceImage:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3))
    return FaceImage(pixels.astype(np.uint8))


def test_the_file_is_the_one_that_the_catalogue_names() -> None:
    assert CARD.file == perse_pad.SHIPPED_FILE
    content = FILE.read_bytes()
    assert hashlib.sha256(content).hexdigest() == CARD.sha256
    assert len(content) == CARD.size_bytes < MOST_BYTES


def test_it_is_small_and_keeps_its_weights_inside() -> None:
    model = onnx.load(FILE, load_external_data=False)
    assert not any(w.external_data for w in model.graph.initializer)
    parameters = sum(int(np.prod(w.dims)) for w in model.graph.initializer)
    assert 100_000 < parameters <= MOST_PARAMETERS


def test_inputs_and_outputs(session: Session) -> None:
    assert session.input_names == ("input",)
    assert session.output_names == ("logit",)
    assert session.input_shape("input") == (None, 3, 128, 128)
    assert session.run({"input": np.zeros((5, 3, 128, 128), np.float32)})[0].shape == (5, 1)


def test_before_the_run_the_face_and_what_is_around_it_become_planes_of_0_to_1() -> None:
    pixels = np.zeros((200, 200, 3), np.uint8)
    pixels[:, :, 0] = 255
    tensor = tensor_of(FaceImage(pixels), Box(60, 60, 50, 64))
    assert tensor.shape == (1, 3, 128, 128)
    assert tensor.dtype == np.float32
    assert tensor[0, 0].min() == 1
    assert tensor[0, 1:].max() == 0


def test_after_the_run_the_logit_is_the_log_odds_of_a_bona_fide_presentation() -> None:
    assert log_odds_from([np.array([[-2.5]], np.float32)]) == -2.5


@pytest.mark.parametrize("box", [Box(80, 90, 90, 120), Box(0, 0, 40, 50), Box(0, 0, 260, 300)])
def test_scores_of_drawn_pictures_are_finite_and_always_the_same(
    detector: PersePadDetector, box: Box
) -> None:
    image = drawn(1)
    first = detector.score(image, box).value
    assert 0 <= first <= 1
    assert {detector.score(image, box).value for _ in range(3)} == {first}


def test_black_white_and_grey_pictures_have_scores(detector: PersePadDetector) -> None:
    for value in (0, 127, 255):
        image = FaceImage(np.full((128, 128, 3), value, np.uint8))
        assert 0 <= detector.score(image, Box(30, 30, 60, 60)).value <= 1


def test_many_threads_get_the_scores_of_one(detector: PersePadDetector) -> None:
    images, box = [drawn(seed) for seed in range(8)], Box(80, 90, 90, 120)
    alone = [detector.score(image, box).value for image in images]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda image: detector.score(image, box).value, images))
    assert together == alone


def test_every_answer_can_name_its_model(detector: PersePadDetector) -> None:
    assert detector.model == "perse_pad"
