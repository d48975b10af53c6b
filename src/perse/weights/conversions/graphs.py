"""Writing ONNX graphs: names and versions that are the same each time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from perse.errors import WeightsCorrupt

OPSET: Final = 17
IR_VERSION: Final = 8

Array = NDArray[Any]
Shape = Sequence[int | str]


class GraphWriter:
    """Collects nodes and constants; every value gets a name of its own, counted up."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[TensorProto] = []

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:  # noqa: ANN401
        """Append a node with one output; returns the output's name."""
        output = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def constant(self, values: Array) -> str:
        """Append a constant; returns its name."""
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def model(
        self, name: str, inputs: Mapping[str, Shape], outputs: Mapping[str, tuple[str, Shape]]
    ) -> onnx.ModelProto:
        """The checked model. ``outputs``: by name, the value that it is and its shape."""
        for output, (value, _) in outputs.items():
            self.nodes.append(helper.make_node("Identity", [value], [output]))
        graph = helper.make_graph(
            self.nodes,
            name,
            _declared(inputs.items()),
            _declared((output, shape) for output, (_, shape) in outputs.items()),
            initializer=self.constants,
        )
        model = helper.make_model(
            graph, producer_name="perse", opset_imports=[helper.make_opsetid("", OPSET)]
        )
        model.ir_version = IR_VERSION
        onnx.checker.check_model(model, full_check=True)
        return model


def read_model(path: Path) -> onnx.ModelProto:
    """The ONNX model in the file, which may name no other file. Raises WeightsCorrupt."""
    try:
        return onnx.load_model_from_string(path.read_bytes())
    except Exception as error:  # what it raises is protobuf's, and no part of its interface
        raise WeightsCorrupt(f"{path.name} is no ONNX file: {error}") from error


def write_model(model: onnx.ModelProto, path: Path) -> None:
    """The same bytes for the same model."""
    path.write_bytes(model.SerializeToString(deterministic=True))


def _declared(values: Iterable[tuple[str, Shape]]) -> list[onnx.ValueInfoProto]:
    return [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
        for name, shape in values
    ]
