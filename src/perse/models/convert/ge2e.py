"""GE2E speaker embedder: from the released checkpoint to ONNX.

Three LSTM layers 40 -> 256 and one linear layer 256 -> 256 on the last hidden state (Wan et al.
2018, "Generalized end-to-end loss for speaker verification"). The graph ends with the linear
layer: what follows in the original (ReLU, unit length) is left to the reader of the features,
who can do better without it. The same source gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from perse.errors import WeightsCorrupt
from perse.models.convert.torch_tensors import read_tensors

MEL_BANDS = 40
HIDDEN = 256
LAYERS = 3

_OPSET = 17
_IR_VERSION = 8
_TORCH_GATES = ("input", "forget", "cell", "output")
_ONNX_GATES = ("input", "output", "forget", "cell")

Tensors = Mapping[str, NDArray[np.float32]]


def convert(source: Path, target: Path) -> None:
    """Write the network of checkpoint ``source`` to ``target`` as ONNX.

    Input ``mels``: windows x frames x 40, float32. Output ``features``: windows x 256, float32,
    neither rectified nor of unit length. Raises WeightsCorrupt when ``source`` is not the network
    described above.
    """
    tensors = read_tensors(source, "model_state")
    target.write_bytes(build(tensors).SerializeToString(deterministic=True))


def build(tensors: Tensors) -> onnx.ModelProto:
    """The checked ONNX graph of the checkpoint's ``tensors``."""
    _check_shapes(tensors)
    nodes = [helper.make_node("Transpose", ["mels"], ["time_first"], perm=[1, 0, 2])]
    weights: list[TensorProto] = []
    sequence = "time_first"
    for layer in range(LAYERS):
        sequence = _add_layer(layer, sequence, tensors, nodes=nodes, weights=weights)
    _add_linear(tensors, nodes=nodes, weights=weights)
    graph = helper.make_graph(
        nodes,
        "ge2e",
        [
            helper.make_tensor_value_info(
                "mels", TensorProto.FLOAT, ["windows", "frames", MEL_BANDS]
            )
        ],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["windows", HIDDEN])],
        initializer=weights,
    )
    model = helper.make_model(
        graph, producer_name="perse", opset_imports=[helper.make_opsetid("", _OPSET)]
    )
    model.ir_version = _IR_VERSION
    onnx.checker.check_model(model, full_check=True)
    return model


def in_onnx_gate_order(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of four gates from PyTorch's order (i, f, g, o) to ONNX's (i, o, f, c)."""
    gates = dict(zip(_TORCH_GATES, np.split(weights, 4), strict=True))
    return np.concatenate([gates[name] for name in _ONNX_GATES])


def _add_layer(
    layer: int,
    sequence: str,
    tensors: Tensors,
    *,
    nodes: list[onnx.NodeProto],
    weights: list[TensorProto],
) -> str:
    """Add one LSTM layer; returns the name of its output sequence."""
    names = [f"{part}{layer}" for part in ("w", "r", "b")]
    input_weights, recurrent_weights, input_bias, recurrent_bias = (
        in_onnx_gate_order(tensors[f"lstm.{part}_l{layer}"])
        for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    bias = np.concatenate([input_bias, recurrent_bias])
    for name, values in zip(names, (input_weights, recurrent_weights, bias), strict=True):
        weights.append(numpy_helper.from_array(values[np.newaxis], name))
    nodes += [
        helper.make_node(
            "LSTM", [sequence, *names], [f"y{layer}", f"last{layer}"], hidden_size=HIDDEN
        ),
        helper.make_node("Squeeze", [f"y{layer}", "direction_axis"], [f"sequence{layer}"]),
    ]
    return f"sequence{layer}"


def _add_linear(
    tensors: Tensors, *, nodes: list[onnx.NodeProto], weights: list[TensorProto]
) -> None:
    weights += [
        numpy_helper.from_array(np.array([1], np.int64), "direction_axis"),
        numpy_helper.from_array(np.array([0], np.int64), "first_axis"),
        numpy_helper.from_array(tensors["linear.weight"], "linear_weight"),
        numpy_helper.from_array(tensors["linear.bias"], "linear_bias"),
    ]
    nodes[-1:] = [
        helper.make_node("Squeeze", [f"last{LAYERS - 1}", "first_axis"], ["hidden"]),
        helper.make_node(
            "Gemm", ["hidden", "linear_weight", "linear_bias"], ["features"], transB=1
        ),
    ]


def _check_shapes(tensors: Tensors) -> None:
    expected: dict[str, tuple[int, ...]] = {
        "linear.weight": (HIDDEN, HIDDEN),
        "linear.bias": (HIDDEN,),
    }
    for layer in range(LAYERS):
        width = MEL_BANDS if layer == 0 else HIDDEN
        expected[f"lstm.weight_ih_l{layer}"] = (4 * HIDDEN, width)
        expected[f"lstm.weight_hh_l{layer}"] = (4 * HIDDEN, HIDDEN)
        expected[f"lstm.bias_ih_l{layer}"] = expected[f"lstm.bias_hh_l{layer}"] = (4 * HIDDEN,)
    for name, shape in expected.items():
        if name not in tensors or tensors[name].shape != shape:
            raise WeightsCorrupt(f"the GE2E checkpoint has no tensor {name} of shape {shape}")
