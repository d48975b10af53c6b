"""YuNet 2023mar as published, quantised in blocks and at 640 x 640, made into float32 and free in
height and width.

Every operator in it works at any multiple of 32, its reshapes count their rows themselves and its
enlargements are by two: so the shapes are declared open and nothing that computes is touched.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import onnx

from perse.errors import WeightsCorrupt
from perse.weights.conversions.block_quantised import in_float
from perse.weights.conversions.graphs import read_model, write_model

_OPERATORS: Final = frozenset(
    {"Add", "Conv", "MaxPool", "Relu", "Reshape", "Resize", "Sigmoid", "Transpose"}
)
_OUTPUTS: Final = frozenset(
    f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in (8, 16, 32)
)


def convert(source: Path, target: Path) -> None:
    """Input ``input``: 1 x 3 x H x W, BGR 0..255, H and W multiples of 32. Outputs ``cls``,
    ``obj``, ``bbox``, ``kps`` at the strides 8, 16, 32: 1 x cells x 1, 1, 4, 10.

    Raises WeightsCorrupt when ``source`` is another network.
    """
    write_model(open_sizes(in_float(read_model(source)), source.name), target)


def open_sizes(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """``model`` with free height and width, changed in place."""
    graph = model.graph
    foreign = {node.op_type for node in graph.node} - _OPERATORS
    if foreign or {value.name for value in graph.output} != _OUTPUTS:
        raise WeightsCorrupt(f"{name} is not YuNet 2023mar: {', '.join(sorted(foreign))}")
    for index, side in ((2, "height"), (3, "width")):
        graph.input[0].type.tensor_type.shape.dim[index].dim_param = side
    for value in graph.output:
        value.type.tensor_type.shape.dim[1].dim_param = f"cells_{value.name.partition('_')[2]}"
    onnx.checker.check_model(model, full_check=True)
    return model
