"""FaceMesh from TFLite to ONNX.

Rows of channels become planes: kernels change from out, height, width, in to out, in, height,
width, and what TFLite pads at the end stays at the end.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from perse.errors import WeightsCorrupt
from perse.weights.conversions.graphs import Array, GraphWriter, write_model
from perse.weights.conversions.prelu import without_prelu
from perse.weights.conversions.tflite import Operator, TfliteGraph, read_graph

_PADDINGS: Final = ("SAME_UPPER", "VALID")
_TO_PLANES: Final = (0, 3, 1, 2)
_SIZE_PX: Final = 192
_COORDINATES: Final = 3 * 468


def convert(source: Path, target: Path) -> None:
    """Input ``image``: 1 x 3 x 192 x 192, RGB 0..1. Outputs ``points``: 1 x 1404 x 1 x 1, x, y, z
    of 468 points in pixels; ``face``: 1 x 1 x 1 x 1, log odds of a face.

    Raises WeightsCorrupt when ``source`` is another network.
    """
    graph = read_graph(source)
    _check(graph)
    writer = GraphWriter()
    values = {graph.inputs[0]: "image"}
    for operator in graph.operators:
        values[operator.outputs[0]] = _written(operator, graph, values, writer)
    points, face = (values[number] for number in graph.outputs)
    model = writer.model(
        "facemesh",
        {"image": (1, 3, _SIZE_PX, _SIZE_PX)},
        {"points": (points, (1, _COORDINATES, 1, 1)), "face": (face, (1, 1, 1, 1))},
    )
    write_model(without_prelu(model), target)


def _check(graph: TfliteGraph) -> None:
    shapes = [graph.tensors[number].shape for number in (*graph.inputs, *graph.outputs)]
    if shapes != [(1, _SIZE_PX, _SIZE_PX, 3), (1, 1, 1, _COORDINATES), (1, 1, 1, 1)]:
        raise WeightsCorrupt(f"the TFLite file is not FaceMesh: its ends have the shapes {shapes}")


def _written(
    operator: Operator, graph: TfliteGraph, values: dict[int, str], writer: GraphWriter
) -> str:
    """Add the operator; returns the name of its output."""
    computed = [values[number] for number in operator.inputs if number in values]
    constants = [
        tensor.values
        for number in operator.inputs
        if (tensor := graph.tensors[number]).values is not None
    ]
    match operator.kind, computed, constants:
        case "ADD", [one, other], []:
            _without_activation(operator, 0)
            return writer.add("Add", one, other)
        case "CONV_2D", [value], [kernel, bias]:
            _without_activation(operator, 3)
            return _convolution(operator, value, kernel.transpose(_TO_PLANES), bias, writer)
        case "DEPTHWISE_CONV_2D", [value], [kernel, bias]:
            _without_activation(operator, 4)
            depthwise = kernel.transpose(3, 0, 1, 2)
            return _convolution(operator, value, depthwise, bias, writer, groups=len(depthwise))
        case "MAX_POOL_2D", [value], []:
            _without_activation(operator, 5)
            sides = [operator.number(4), operator.number(3)]
            return writer.add("MaxPool", value, kernel_shape=sides, **_steps(operator))
        case "PAD", [value], [margins]:
            before_and_after = margins[list(_TO_PLANES)].T.reshape(-1).astype(np.int64)
            return writer.add("Pad", value, writer.constant(before_and_after))
        case "PRELU", [value], [slope]:
            return writer.add("PRelu", value, writer.constant(slope.transpose(2, 0, 1)))
    raise WeightsCorrupt(f"the TFLite file uses {operator.kind} in a way that is not read here")


def _convolution(
    operator: Operator, value: str, kernel: Array, bias: Array, writer: GraphWriter, groups: int = 1
) -> str:
    weights = writer.constant(kernel), writer.constant(bias)
    return writer.add("Conv", value, *weights, group=groups, **_steps(operator))


def _steps(operator: Operator) -> dict[str, Any]:
    return {
        "auto_pad": _PADDINGS[operator.choice(0)],
        "strides": [operator.number(2), operator.number(1)],
    }


def _without_activation(operator: Operator, slot: int) -> None:
    if operator.choice(slot):
        raise WeightsCorrupt(f"the TFLite file has a {operator.kind} with an activation")
