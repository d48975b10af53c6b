"""SFace as published, quantised in blocks, made into float32 and into what runs fast."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import onnx

from perse.errors import WeightsCorrupt
from perse.weights.conversions.block_quantised import in_float
from perse.weights.conversions.graphs import read_model, write_model
from perse.weights.conversions.prelu import without_prelu

_OPERATORS: Final = frozenset(
    {"Add", "BatchNormalization", "Constant", "Conv", "Dropout"}
    | {"Flatten", "Gemm", "Mul", "Relu", "Sub"}
)


def convert(source: Path, target: Path) -> None:
    """Input ``data``: 1 x 3 x 112 x 112, RGB 0..255. Output ``fc1``: 1 x 128, not normalised.

    Raises WeightsCorrupt when ``source`` is another network.
    """
    model = without_prelu(in_float(read_model(source)))
    foreign = {node.op_type for node in model.graph.node} - _OPERATORS
    if foreign or [value.name for value in model.graph.input] != ["data"]:
        raise WeightsCorrupt(f"{source.name} is not SFace: {', '.join(sorted(foreign))}")
    onnx.checker.check_model(model, full_check=True)
    write_model(model, target)
