from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from perse.domain.alignment import ARCFACE_TEMPLATE, ChipFrame, mirrored
from perse.domain.geometry import Landmarks
from perse.domain.samples import FaceImage, ModelName
from perse.errors import InvalidParameter, NetworkUnusable
from perse.networks.chip_embedder import ChipEmbedder, ChipInput
from perse.networks.mobilefacenet import mobilefacenet_embedder
from perse.networks.onnx_embedder import own_embedder, own_places
from perse.networks.session import Session, open_session
from perse.networks.sface import sface_embedder
from perse.networks.yunet import POINTS

NAME = ModelName("tiny")
CANON = POINTS.canon
FACE = Landmarks((ARCFACE_TEMPLATE * 1.7 + (40, 25)).astype(np.float32))


def graph_of(folder: Path, size_px: int, *, features: int | None = None) -> Session:
    """A network that gives each channel's mean, or ``features`` fixed mixtures of 4 x 4 means."""
    cells = 1 if features is None else 4
    pool = size_px // cells
    nodes = [
        helper.make_node(
            "AveragePool", ["x"], ["means"], kernel_shape=[pool, pool], strides=[pool, pool]
        ),
        helper.make_node("Flatten", ["means"], ["y" if features is None else "flat"]),
    ]
    weights = []
    if features is not None:
        mixture = np.random.default_rng(5).normal(size=(3 * cells**2, features)).astype(np.float32)
        nodes.append(helper.make_node("MatMul", ["flat", "mixture"], ["y"]))
        weights.append(numpy_helper.from_array(mixture, "mixture"))
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, size_px, size_px])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, features or 3])],
        weights,
    )
    path = folder / f"tiny_{size_px}_{features}.onnx"
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path
    )
    return open_session(path)


def scene(seed: int = 1) -> FaceImage:
    noise = np.random.default_rng(seed).integers(0, 255, (16, 16, 3)).astype(np.uint8)
    return FaceImage(np.kron(noise, np.ones((16, 16, 1), np.uint8)))


def plain(colour: tuple[int, int, int]) -> FaceImage:
    return FaceImage(np.full((300, 300, 3), colour, np.uint8))


def means_of(embedder: ChipEmbedder, colour: tuple[int, int, int]) -> NDArray[np.float64]:
    """What the network saw of a picture of one colour, up to length."""
    vector = embedder.embed(plain(colour), FACE).vector.astype(np.float64)
    return np.asarray(vector / np.abs(vector).max())


def test_sface_sees_raw_red_green_blue(tmp_path: Path) -> None:
    embedder = sface_embedder(graph_of(tmp_path, 112), NAME, canon=CANON)
    np.testing.assert_allclose(means_of(embedder, (200, 100, 50)), [1, 0.5, 0.25], rtol=1e-5)


def test_sface_answers_a_unit_vector_of_128(tmp_path: Path) -> None:
    embedder = sface_embedder(graph_of(tmp_path, 112, features=128), NAME, canon=CANON)
    template = embedder.embed(scene(), FACE)
    assert embedder.model == template.model == NAME
    assert template.vector.shape == (128,)


def test_mobilefacenet_sees_normalised_red_green_blue(tmp_path: Path) -> None:
    embedder = mobilefacenet_embedder(graph_of(tmp_path, 112), NAME, canon=CANON)
    wanted = (np.array((250, 160, 40)) / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    seen = means_of(embedder, (250, 160, 40))
    np.testing.assert_allclose(seen, wanted / np.abs(wanted).max(), rtol=1e-4)


def test_a_face_and_its_mirror_image_have_one_template(tmp_path: Path) -> None:
    canon = (CANON + (CANON[[1, 0, 2, 4, 3]] * (-1, 1) + (111, 0))) / 2
    embedder = sface_embedder(graph_of(tmp_path, 112, features=64), NAME, canon=canon)
    picture = scene()
    reflection = FaceImage(np.ascontiguousarray(picture.pixels[:, ::-1]))
    one = embedder.embed(picture, FACE)
    other = embedder.embed(reflection, mirrored(FACE, picture.width_px))
    assert one.cosine(other) > 0.9999
    assert one.cosine(embedder.embed(scene(2), FACE)) < 0.999


def test_landmarks_that_coincide_make_no_template(tmp_path: Path) -> None:
    embedder = sface_embedder(graph_of(tmp_path, 112), NAME, canon=CANON)
    with pytest.raises(InvalidParameter, match="coincide"):
        embedder.embed(scene(), Landmarks(np.full((5, 2), 9, np.float32)))


def test_a_black_face_makes_no_template(tmp_path: Path) -> None:
    embedder = sface_embedder(graph_of(tmp_path, 112), NAME, canon=CANON)
    with pytest.raises(InvalidParameter, match="direction"):
        embedder.embed(plain((0, 0, 0)), FACE)


DECLARED = ChipInput(ChipFrame(96), mean=(10, 20, 30), std=(2, 2, 2), bgr=True)


def test_an_own_network_gets_its_colours_mean_and_deviation(tmp_path: Path) -> None:
    embedder = own_embedder(graph_of(tmp_path, 96), NAME, DECLARED, own_canon=None, canon=CANON)
    # blue 110, green 60, red 50: (110-10)/2, (60-20)/2, (50-30)/2
    np.testing.assert_allclose(means_of(embedder, (50, 60, 110)), [1, 0.4, 0.2], rtol=1e-5)


def test_an_own_network_may_say_where_the_points_belong() -> None:
    frame = ChipFrame(96)
    np.testing.assert_allclose(own_places(frame, None, CANON), frame.place(CANON))
    own = ARCFACE_TEMPLATE * 0.5 + 10
    np.testing.assert_allclose(own_places(frame, own, CANON), CANON * 0.5 + 10, atol=1e-9)


def test_an_own_network_of_another_size_is_refused(tmp_path: Path) -> None:
    session = graph_of(tmp_path, 112)
    with pytest.raises(NetworkUnusable, match="size_px"):
        own_embedder(session, NAME, DECLARED, own_canon=None, canon=CANON)
