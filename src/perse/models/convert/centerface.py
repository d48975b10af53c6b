"""CenterFace made free in batch, height and width.

The published graph names one fixed input shape (10 x 3 x 32 x 32), yet every operator in it works
at any multiple of 32: only convolutions, transposed convolutions by two, batch normalisation and
element-wise operators. So the shapes are declared open and nothing that computes is touched.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import onnx

from perse.errors import WeightsCorrupt

_STRIDE: Final = 4
_SIZELESS_OPERATORS: Final = frozenset(
    {"Add", "BatchNormalization", "Conv", "ConvTranspose", "Relu", "Sigmoid"}
)


def convert(source: Path, target: Path) -> None:
    """Write ``source`` to ``target`` with open shapes, the same bytes each time.

    Raises WeightsCorrupt when the file is no ONNX graph, or one whose operators fix a size.
    """
    try:
        model = onnx.load_model(str(source))
    except Exception as error:  # what it raises is protobuf's, and no part of its interface
        raise WeightsCorrupt(f"{source.name} is no ONNX file: {error}") from error
    onnx.save_model(open_shapes(model), str(target))


def open_shapes(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of ``model`` with open batch, height and width; weights are constants of the graph."""
    opened = onnx.ModelProto()
    opened.CopyFrom(model)
    graph = opened.graph
    foreign = {node.op_type for node in graph.node} - _SIZELESS_OPERATORS
    if foreign:
        raise WeightsCorrupt(f"a CenterFace graph does not hold {', '.join(sorted(foreign))}")
    constants = {constant.name for constant in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    del graph.input[:]
    graph.input.extend(inputs)
    del graph.value_info[:]
    _drop_unused_constants(graph)
    _open(graph.input, ("n", "height", "width"))
    _open(graph.output, ("n", f"height/{_STRIDE}", f"width/{_STRIDE}"))
    onnx.checker.check_model(opened, full_check=True)
    return opened


def _drop_unused_constants(graph: onnx.GraphProto) -> None:
    """Counters that training left behind: no operator reads them, and runtimes warn of each."""
    read = {name for node in graph.node for name in node.input}
    kept = [constant for constant in graph.initializer if constant.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _open(values: Iterable[onnx.ValueInfoProto], names: tuple[str, str, str]) -> None:
    for value in values:
        dimensions = value.type.tensor_type.shape.dim
        for index, name in zip((0, 2, 3), names, strict=True):
            dimensions[index].dim_param = name
