from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from perse.errors import WeightsCorrupt
from perse.models.catalog import Catalog
from perse.models.convert.centerface import convert, open_shapes
from perse.models.sources import WeightStore
from tests.models.tiny_networks import small_centerface

Tensor = NDArray[np.float32]


def run(path: Path, image: Tensor) -> list[Tensor]:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    outputs: list[Tensor] = session.run(None, {session.get_inputs()[0].name: image})
    return outputs


def picture(height: int, width: int, count: int = 1) -> Tensor:
    return np.random.default_rng(7).uniform(0, 255, (count, 3, height, width)).astype(np.float32)


@pytest.fixture(scope="module")
def converted(catalog: Catalog, weights: WeightStore) -> Path:
    return weights.obtain(catalog.card("centerface"))


@pytest.fixture(scope="module")
def published(converted: Path, catalog: Catalog) -> Path:
    return converted.parents[1] / catalog.card("centerface").file


def test_answers_as_the_original_at_the_originals_own_shape(
    published: Path, converted: Path
) -> None:
    image = picture(32, 32, count=10)
    for original, ours in zip(run(published, image), run(converted, image), strict=True):
        np.testing.assert_allclose(ours, original, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 96), (320, 224), (480, 640)])
def test_answers_on_a_grid_of_a_quarter_at_any_size(
    converted: Path, height: int, width: int
) -> None:
    shapes = [output.shape for output in run(converted, picture(height, width))]
    assert shapes == [(1, channels, height // 4, width // 4) for channels in (1, 2, 2, 10)]


def test_answers_at_another_size_as_the_original_made_for_that_size(
    published: Path, converted: Path, tmp_path: Path
) -> None:
    """The original with another fixed size written over its own is the judge."""
    model = onnx.load_model(str(published))
    for values, stride in ((model.graph.input, 1), (model.graph.output, 4)):
        for value in values:
            dimensions = value.type.tensor_type.shape.dim
            if value.name in {constant.name for constant in model.graph.initializer}:
                continue
            dimensions[0].dim_value = 1
            dimensions[2].dim_value, dimensions[3].dim_value = 96 // stride, 160 // stride
    onnx.save_model(model, str(tmp_path / "fixed.onnx"))
    image = picture(96, 160)
    for original, ours in zip(
        run(tmp_path / "fixed.onnx", image), run(converted, image), strict=True
    ):
        np.testing.assert_allclose(ours, original, rtol=1e-4, atol=1e-4)


def test_a_picture_moved_by_one_grid_step_moves_the_answer(converted: Path) -> None:
    """32 pixels, the coarsest stride: away from the border, size and place do not matter."""
    wide = picture(256, 320)
    here = run(converted, wide[..., 32:])[0]
    whole = run(converted, wide)[0]
    inside = (..., slice(28, 36), slice(32, 40))
    moved = (..., slice(28, 36), slice(40, 48))
    np.testing.assert_allclose(here[inside], whole[moved], atol=0.05)


def test_the_same_bytes_each_time(published: Path, converted: Path, tmp_path: Path) -> None:
    convert(published, tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == converted.read_bytes()


def test_weights_are_constants_and_what_nothing_reads_is_gone() -> None:
    opened = open_shapes(onnx.load_model_from_string(small_centerface())).graph
    assert [value.name for value in opened.input] == ["image"]
    assert [constant.name for constant in opened.initializer] == ["weights"]


def test_an_operator_that_may_fix_a_size_is_refused() -> None:
    model = onnx.load_model_from_string(small_centerface())
    model.graph.node[1].op_type = "Reshape"
    with pytest.raises(WeightsCorrupt, match="Reshape"):
        open_shapes(model)


def test_what_is_no_onnx_file(tmp_path: Path) -> None:
    (tmp_path / "net").write_bytes(b"not a network")
    with pytest.raises(WeightsCorrupt, match="no ONNX file"):
        convert(tmp_path / "net", tmp_path / "out.onnx")
