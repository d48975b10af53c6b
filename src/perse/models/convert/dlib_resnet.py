"""dlib's face recognition ResNet as an ONNX graph.

Input ``image``: float32 N x 3 x 150 x 150, RGB, 0..255. Output ``features``: N x 128, not
normalised. Shapes follow dlib: strided convolutions are not padded, and where the two branches of
a residual block differ in size or in channels, the smaller one is filled up with zeros at its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from perse.errors import WeightsCorrupt
from perse.models.convert.dlib_format import InputLayer, Layer, read_network

_OPSET: Final = 13
_IR_VERSION: Final = 8
_INPUT_SCALE: Final = 256.0
_CHANNELS: Final = 3

Shape = tuple[int, int, int]
"""Channels, rows, columns."""


@dataclass(frozen=True, slots=True)
class _Value:
    """A tensor of the graph and its shape without the batch."""

    name: str
    shape: Shape


@dataclass(slots=True)
class _Graph:
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def constant(self, name: str, values: NDArray[np.float32] | NDArray[np.int64]) -> str:
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def node(
        self, operator: str, inputs: Sequence[str], shape: Shape, **attributes: str | Sequence[int]
    ) -> _Value:
        name = f"{operator.lower()}_{len(self.nodes)}"
        node = helper.make_node(operator, inputs, [name], name=name)
        node.attribute.extend(helper.make_attribute(key, attributes[key]) for key in attributes)
        self.nodes.append(node)
        return _Value(name, shape)


def convert(source: Path, target: Path) -> None:
    """Write the network of dlib's file ``source`` to ``target`` as ONNX, the same bytes each time.

    Raises WeightsCorrupt when the file holds another network.
    """
    image, layers = read_network(source)
    try:
        model = build(image, layers)
    except (ValueError, IndexError, onnx.checker.ValidationError) as error:
        raise WeightsCorrupt(f"the layers of {source.name} do not fit each other") from error
    onnx.save_model(model, str(target))


def build(image: InputLayer, layers: Sequence[Layer]) -> onnx.ModelProto:
    """``layers`` in running order, as ``read_network`` gives them."""
    graph = _Graph()
    shape = (_CHANNELS, image.height_px, image.width_px)
    output = _body(graph, _Value("image", shape), _fold_input(image, _fold_affine(layers)))
    graph.nodes[-1].output[0] = "features"
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "dlib_face_recognition_resnet_model_v1",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", *shape])],
            [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", output.shape[0]])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="perse",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


@dataclass(frozen=True, slots=True)
class _Convolution:
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    stride: tuple[int, int]
    padding: tuple[int, int]


_Step = _Convolution | Layer


def _fold_affine(layers: Sequence[Layer]) -> list[_Step]:
    """Join each convolution with the affine layer behind it."""
    steps: list[_Step] = []
    for layer in layers:
        if layer.kind == "con":
            steps.append(_convolution(layer))
        elif layer.kind == "affine":
            steps.append(_scaled(steps.pop() if steps else layer, layer))
        else:
            steps.append(layer)
    return steps


def _parameters(layer: Layer) -> NDArray[np.float64]:
    if layer.parameters is None:
        raise WeightsCorrupt(f"the dlib layer {layer.kind} has no parameters")
    return layer.parameters.astype(np.float64)


def _convolution(layer: Layer) -> _Convolution:
    filters, rows, columns, *rest = layer.shape
    stride_y, stride_x, padding_y, padding_x = rest
    values = _parameters(layer)
    weights, bias = values[:-filters], values[-filters:]
    return _Convolution(
        weights.reshape(filters, -1, rows, columns),
        bias,
        (stride_y, stride_x),
        (padding_y, padding_x),
    )


def _scaled(step: _Step, affine: Layer) -> _Convolution:
    if not isinstance(step, _Convolution):
        raise WeightsCorrupt("the dlib network has an affine layer without a convolution")
    gamma, beta = np.split(_parameters(affine), 2)
    return _Convolution(
        step.weights * gamma[:, None, None, None],
        step.bias * gamma + beta,
        step.stride,
        step.padding,
    )


def _fold_input(image: InputLayer, steps: list[_Step]) -> list[_Step]:
    """Let the first convolution take 0..255; exact because it has no padding."""
    first, *rest = steps
    if not isinstance(first, _Convolution) or first.padding != (0, 0):
        raise WeightsCorrupt("the dlib network does not begin with an unpadded convolution")
    weights = first.weights / _INPUT_SCALE
    shift = np.einsum("oirc,i->o", weights, np.array(image.mean))
    return [_Convolution(weights, first.bias - shift, first.stride, first.padding), *rest]


def _body(graph: _Graph, value: _Value, steps: Sequence[_Step]) -> _Value:
    """Run the steps; a residual block begins at each pool or rectifier that a block follows."""
    shortcut = value
    for index, step in enumerate(steps):
        if isinstance(step, _Convolution):
            value = _convolve(graph, value, step, f"{index}")
        elif step.kind == "avg_pool" and step.shape[0]:
            value, shortcut = _pool(graph, "AveragePool", shortcut, step), value
        elif step.kind == "add_prev":
            value = _add_filled(graph, value, shortcut)
        else:
            value = _plain(graph, value, step)
        if _block_starts(steps, index):
            shortcut = value
    return value


def _block_starts(steps: Sequence[_Step], index: int) -> bool:
    """A block's input is what comes out of max_pool, or of the rectifier behind a sum."""
    step, before = steps[index], steps[index - 1]
    if isinstance(step, _Convolution) or index == 0:
        return False
    follows_sum = isinstance(before, Layer) and before.kind == "add_prev"
    return step.kind == "max_pool" or (step.kind == "relu" and follows_sum)


def _convolve(graph: _Graph, value: _Value, step: _Convolution, name: str) -> _Value:
    filters, channels, *kernel = step.weights.shape
    if channels != value.shape[0]:
        raise WeightsCorrupt("the dlib network's convolutions do not fit each other")
    weights = graph.constant(f"weights_{name}", step.weights.astype(np.float32))
    bias = graph.constant(f"bias_{name}", step.bias.astype(np.float32))
    return graph.node(
        "Conv",
        [value.name, weights, bias],
        (filters, *_reduced(value.shape, kernel, step.stride, step.padding)),
        kernel_shape=kernel,
        strides=step.stride,
        pads=step.padding * 2,
    )


def _plain(graph: _Graph, value: _Value, step: Layer) -> _Value:
    if step.kind == "relu":
        return graph.node("Relu", [value.name], value.shape)
    if step.kind == "max_pool":
        return _pool(graph, "MaxPool", value, step)
    if step.kind == "avg_pool":
        return graph.node("GlobalAveragePool", [value.name], (value.shape[0], 1, 1))
    return _fully_connect(graph, value, step)


def _pool(graph: _Graph, operator: str, value: _Value, step: Layer) -> _Value:
    rows, columns, *rest = step.shape
    stride, padding = (rest[0], rest[1]), (rest[2], rest[3])
    return graph.node(
        operator,
        [value.name],
        (value.shape[0], *_reduced(value.shape, (rows, columns), stride, padding)),
        kernel_shape=(rows, columns),
        strides=stride,
        pads=padding * 2,
    )


def _reduced(
    shape: Shape, kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int]
) -> tuple[int, int]:
    rows, columns = (
        1 + (size + 2 * pad - window) // step
        for size, window, step, pad in zip(shape[1:], kernel, stride, padding, strict=True)
    )
    return rows, columns


def _add_filled(graph: _Graph, first: _Value, second: _Value) -> _Value:
    shape = tuple(max(pair) for pair in zip(first.shape, second.shape, strict=True))
    channels, rows, columns = shape
    filled = [_fill(graph, value, (channels, rows, columns)) for value in (first, second)]
    return graph.node("Add", [value.name for value in filled], filled[0].shape)


def _fill(graph: _Graph, value: _Value, shape: Shape) -> _Value:
    """Zeros behind the last channel, row and column up to ``shape``."""
    missing = [wanted - had for wanted, had in zip(shape, value.shape, strict=True)]
    if not any(missing):
        return value
    pads = graph.constant(f"pads_{len(graph.nodes)}", np.array([0] * 5 + missing, dtype=np.int64))
    return graph.node("Pad", [value.name, pads], shape, mode="constant")


def _fully_connect(graph: _Graph, value: _Value, step: Layer) -> _Value:
    outputs, inputs, no_bias = step.shape
    if not no_bias or inputs != value.shape[0]:
        raise WeightsCorrupt("the dlib network's last layer is not the one expected")
    flat = graph.node("Flatten", [value.name], value.shape)
    matrix = _parameters(step).reshape(inputs, outputs).astype(np.float32)
    weights = graph.constant("weights_last", matrix)
    return graph.node("MatMul", [flat.name, weights], (outputs, 1, 1))
