"""Networks whose weights were quantised in blocks, made into plain float32 ones.

Such a graph spends a ``DequantizeLinear`` with ``block_size`` on each weight, and where the weight
has more than two axes a ``Reshape`` after it, at every run. The values are the same each time, so
they are computed once: (value - zero point) * scale, scale and zero point holding for blocks of
``block_size`` along ``axis``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from perse.errors import WeightsCorrupt
from perse.weights.conversions.graphs import Array

Constants = dict[str, Array]


def in_float(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of ``model`` without quantisation, whose inputs are those that are read.

    Raises WeightsCorrupt when a quantised value is no constant or does not fit its scale.
    """
    plain = onnx.ModelProto()
    plain.CopyFrom(model)
    graph = plain.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    computed = _computed(graph, constants)
    kept = [node for node in graph.node if node.output[0] not in computed]
    _replace(graph.node, kept)
    del graph.value_info[:]
    read = dict.fromkeys(name for node in kept for name in node.input)
    values = constants | computed
    _replace(graph.input, [it for it in graph.input if it.name in read and it.name not in values])
    _replace(
        graph.initializer,
        [numpy_helper.from_array(values[name], name) for name in read if name in values],
    )
    return plain


def dequantised(values: Array, scale: Array, zero: Array, *, axis: int, block: int) -> Array:
    """float32 values of an int8 tensor. Raises WeightsCorrupt when the blocks do not fit."""
    if not 0 <= axis < values.ndim or not 0 < block <= max(values.shape[axis], 1):
        raise WeightsCorrupt(f"a weight of shape {values.shape} has no blocks of {block}")
    blocks = list(values.shape)
    blocks[axis] = -(-values.shape[axis] // block)
    if scale.shape != tuple(blocks) or zero.shape != tuple(blocks):
        raise WeightsCorrupt(f"a weight of shape {values.shape} has scales of {scale.shape}")

    def spread(per_block: Array) -> Array:
        return np.repeat(per_block, block, axis).take(range(values.shape[axis]), axis)

    steps = values.astype(np.float32) - spread(zero).astype(np.float32)
    return np.asarray(steps * spread(scale), np.float32)


def _computed(graph: onnx.GraphProto, constants: Constants) -> Constants:
    """What the dequantising nodes give, and the reshapes of what they give."""
    computed: Constants = {}
    for node in graph.node:
        if node.op_type == "DequantizeLinear":
            attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            values, scale, zero = (_constant(constants, name) for name in node.input)
            computed[node.output[0]] = dequantised(
                values, scale, zero, axis=attributes["axis"], block=attributes["block_size"]
            )
        elif node.op_type == "Reshape" and node.input[0] in computed:
            shape = _constant(constants, node.input[1])
            computed[node.output[0]] = computed[node.input[0]].reshape(shape)
    return computed


def _constant(constants: Constants, name: str) -> Array:
    if name not in constants:
        raise WeightsCorrupt(f"{name} is quantised and no constant")
    return constants[name]


def _replace(field: Any, values: Sequence[Any]) -> None:  # noqa: ANN401 - protobuf has no types
    del field[:]
    field.extend(values)
