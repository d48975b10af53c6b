"""SFace and YuNet: what this machine computes is what ONNX Runtime makes of the published file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from perse.errors import WeightsCorrupt
from perse.networks.session import open_session
from perse.weights.catalogue import Catalog
from perse.weights.conversions import convert
from perse.weights.conversions.block_quantised import dequantised, in_float
from perse.weights.conversions.prelu import without_prelu
from perse.weights.store import WeightStore

Tensor = NDArray[np.float32]
SAME = 1e-5


def by_the_runtime_itself(model: onnx.ModelProto, image: Tensor) -> dict[str, Tensor]:
    """The published graph, dequantised by ONNX Runtime at every run.

    A scale that holds for the whole tensor must not have a block size there, and inputs that no
    operator reads have to be fed.
    """
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear" and list(constants[node.input[1]].dims) == [1]:
            del node.attribute[:]
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options)
    first, *others = session.get_inputs()
    feed = {first.name: image} | {it.name: np.zeros(it.shape, np.float32) for it in others}
    names = [it.name for it in session.get_outputs()]
    return dict(zip(names, session.run(names, feed), strict=True))


@pytest.mark.parametrize(("name", "side"), [("sface", 112), ("yunet_2023mar", 640)])
def test_the_result_answers_as_the_published_file(
    catalog: Catalog, weights: WeightStore, name: str, side: int
) -> None:
    converted = weights.obtain(catalog.card(name))
    published = onnx.load(converted.parents[1] / catalog.card(name).file)
    image = np.random.default_rng(7).uniform(0, 255, (1, 3, side, side)).astype(np.float32)
    expected = by_the_runtime_itself(published, image)
    session = open_session(converted)
    answers = session.run({session.input_names[0]: image})
    assert set(session.output_names) == set(expected)
    for output, answer in zip(session.output_names, answers, strict=True):
        np.testing.assert_allclose(answer, expected[output], rtol=SAME, atol=SAME)


@pytest.mark.parametrize("name", ["sface", "yunet_2023mar", "facemesh", "campplus"])
def test_the_same_bytes_each_time(
    catalog: Catalog, weights: WeightStore, name: str, tmp_path: Path
) -> None:
    card = catalog.card(name)
    converted = weights.obtain(card)
    convert(str(card.conversion), converted.parents[1] / card.file, tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == converted.read_bytes()


def test_yunet_is_free_in_height_and_width(catalog: Catalog, weights: WeightStore) -> None:
    session = open_session(weights.obtain(catalog.card("yunet_2023mar")))
    for height, width in ((96, 320), (352, 64)):
        image = np.zeros((1, 3, height, width), np.float32)
        answers = dict(zip(session.output_names, session.run({"input": image}), strict=True))
        for stride in (8, 16, 32):
            cells = height // stride * (width // stride)
            assert answers[f"kps_{stride}"].shape == (1, cells, 10)


def test_blocks_are_spread_along_their_axis() -> None:
    values = np.arange(-5, 5, dtype=np.int8).reshape(2, 5)
    scale = np.array([[1, 10, 100], [2, 20, 200]], np.float32)
    zero = np.array([[0, 1, 2], [0, 0, 1]], np.int8)
    expected = [[-5, -4, -40, -30, -300], [0, 2, 40, 60, 600]]
    assert dequantised(values, scale, zero, axis=1, block=2).tolist() == expected


@pytest.mark.parametrize(
    ("shape", "axis", "block"),
    [((2, 2), 1, 2), ((2, 3), 2, 2), ((2, 3), 1, 0), ((2, 3), 1, 1 << 40), ((2, 3), -1, 2)],
)
def test_blocks_that_do_not_fit_are_refused(shape: tuple[int, ...], axis: int, block: int) -> None:
    values = np.zeros((2, 5), np.int8)
    with pytest.raises(WeightsCorrupt):
        dequantised(
            values, np.ones(shape, np.float32), np.zeros(shape, np.int8), axis=axis, block=block
        )


def _model(nodes: list[onnx.NodeProto], **constants: NDArray[np.generic]) -> onnx.ModelProto:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 4, 4])
    graph = helper.make_graph(
        nodes,
        "tiny",
        [value],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3, 4, 4])],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=8)


def test_a_leaky_unit_is_the_same_function_in_other_words(tmp_path: Path) -> None:
    slope = np.array([0.25, -0.5, 3.0], np.float32).reshape(3, 1, 1)
    model = _model([helper.make_node("PRelu", ["x", "slope"], ["y"])], slope=slope)
    x = np.random.default_rng(3).normal(size=(1, 3, 4, 4)).astype(np.float32)
    onnx.save(without_prelu(model), tmp_path / "bent.onnx")
    (y,) = open_session(tmp_path / "bent.onnx").run({"x": x})
    np.testing.assert_allclose(y, np.where(x < 0, slope * x, x), rtol=1e-6, atol=1e-6)


def test_a_leaky_unit_of_another_kind_is_refused() -> None:
    node = helper.make_node("PRelu", ["x", "slope"], ["y"])
    with pytest.raises(WeightsCorrupt, match="not one per channel"):
        without_prelu(_model([node], slope=np.ones((1, 4, 4), np.float32)))
    with pytest.raises(WeightsCorrupt, match="no constant"):
        without_prelu(_model([node]))


def test_a_quantised_value_that_is_no_constant_is_refused() -> None:
    node = helper.make_node("DequantizeLinear", ["x", "scale", "zero"], ["y"], block_size=2)
    with pytest.raises(WeightsCorrupt, match="no constant"):
        in_float(_model([node], scale=np.ones(2, np.float32), zero=np.zeros(2, np.int8)))


@pytest.mark.parametrize("conversion", ["sface", "yunet", "facemesh", "campplus"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x08\x08TFL3", b"\xff" * 4096])
def test_other_files_are_refused(conversion: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(WeightsCorrupt):
        convert(conversion, tmp_path / "other", tmp_path / "made")


@pytest.mark.parametrize("conversion", ["sface", "yunet"])
def test_another_graph_is_refused(conversion: str, tmp_path: Path) -> None:
    onnx.save(_model([helper.make_node("Sin", ["x"], ["y"])]), tmp_path / "sin.onnx")
    with pytest.raises(WeightsCorrupt, match="is not"):
        convert(conversion, tmp_path / "sin.onnx", tmp_path / "made")


@pytest.mark.parametrize("name", ["sface", "yunet_2023mar", "facemesh", "campplus"])
def test_a_published_file_cut_short_is_refused(
    catalog: Catalog, weights: WeightStore, name: str, tmp_path: Path
) -> None:
    card = catalog.card(name)
    whole = (weights.obtain(card).parents[1] / card.file).read_bytes()
    for share in (0.001, 0.3, 0.9, 0.9999):
        (tmp_path / "cut").write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(WeightsCorrupt):
            convert(str(card.conversion), tmp_path / "cut", tmp_path / "made")


@pytest.mark.parametrize("name", ["yunet_2023mar", "facemesh"])
def test_a_published_file_with_changed_bytes_makes_no_other_error(
    catalog: Catalog, weights: WeightStore, name: str, tmp_path: Path
) -> None:
    """A changed weight is another weight; anything else is refused in one way."""
    card = catalog.card(name)
    whole = bytearray((weights.obtain(card).parents[1] / card.file).read_bytes())
    chance = np.random.default_rng(5)
    refused = 0
    for _ in range(25):
        damaged = whole.copy()
        for place in chance.integers(0, len(damaged), 200):
            damaged[place] = chance.integers(0, 256)
        (tmp_path / "damaged").write_bytes(damaged)
        try:
            convert(str(card.conversion), tmp_path / "damaged", tmp_path / "made")
        except WeightsCorrupt:
            refused += 1
    assert refused
