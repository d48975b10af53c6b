"""``PRelu`` in words that ONNX Runtime computes faster.

Its blocked layout, in which convolutions are fast, does not know ``PRelu``: each one costs two
changes of layout. ``slope * x + (1 - slope) * Relu(x)`` is the same function, and as two depthwise
convolutions of one pixel it stays in that layout.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

from perse.errors import WeightsCorrupt
from perse.weights.conversions.graphs import Array


def without_prelu(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of ``model`` in which every ``PRelu`` with a slope per channel is so replaced.

    Raises WeightsCorrupt for a slope of another kind.
    """
    rewritten = onnx.ModelProto()
    rewritten.CopyFrom(model)
    graph = rewritten.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type != "PRelu":
            nodes.append(node)
            continue
        tensor = constants.get(node.input[1])
        if tensor is None:
            raise WeightsCorrupt(f"the slope {node.input[1]} of a PRelu is no constant")
        slope = _per_channel(numpy_helper.to_array(tensor))
        nodes += _two_convolutions(node.input[0], node.output[0], slope, graph)
    del graph.node[:]
    graph.node.extend(nodes)
    read = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    return rewritten


def _per_channel(slope: Array) -> Array:
    if slope.shape != (slope.size, 1, 1):
        raise WeightsCorrupt(f"a PRelu has a slope of shape {slope.shape}, not one per channel")
    return slope.reshape(-1, 1, 1, 1)


def _two_convolutions(
    value: str, output: str, slope: Array, graph: onnx.GraphProto
) -> list[onnx.NodeProto]:
    names = {part: f"{output}/{part}" for part in ("slope", "rest", "straight", "above", "bent")}
    for name, weight in ((names["slope"], slope), (names["rest"], 1 - slope)):
        graph.initializer.append(numpy_helper.from_array(np.asarray(weight, np.float32), name))

    def scaled(value: str, by: str, output: str) -> onnx.NodeProto:
        return helper.make_node(
            "Conv", [value, by], [output], group=len(slope), kernel_shape=[1, 1]
        )

    return [
        scaled(value, names["slope"], names["straight"]),
        helper.make_node("Relu", [value], [names["above"]]),
        scaled(names["above"], names["rest"], names["bent"]),
        helper.make_node("Add", [names["straight"], names["bent"]], [output]),
    ]
