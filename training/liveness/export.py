"""Checkpoint -> ONNX: batch norms folded into the convolutions, both log odds into one sum, the
heads that only training needs left out.

python export.py --run RUN --out perse_pad_v2.onnx
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from network import LABELLED_SHARE, AttackNetwork, Residual
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from perse.networks.session import open_session

OPSET = 17
TOLERANCE = 1e-4


class Writer:
    """Collects nodes and weights; each method returns the name of what it computed."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def node(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:  # noqa: ANN401
        output = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def weight(self, values: NDArray[np.float32]) -> str:
        name = f"weight_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def convolution(self, x: str, conv: nn.Conv2d, norm: nn.BatchNorm2d) -> str:
        share = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        kernel = (conv.weight * share[:, None, None, None]).detach().numpy()
        bias = (norm.bias - norm.running_mean * share).detach().numpy()
        pad = conv.padding[0]
        return self.node(
            "Conv", x, self.weight(kernel), self.weight(bias),
            kernel_shape=list(conv.kernel_size), strides=list(conv.stride), pads=[pad] * 4,
            group=conv.groups,
        )  # fmt: skip

    def layer(self, x: str, layer: nn.Module) -> str:
        if isinstance(layer, Residual):
            first, conv, norm = layer.body
            y = self.convolution(self.layer(x, first), conv, norm)
            return self.node("Relu", self.node("Add", x, y))
        conv, norm, _ = layer
        return self.node("Relu", self.convolution(x, conv, norm))


def _summed(network: AttackNetwork) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weight (1 x WIDTH) and bias (1) of the sum of both heads, the teacher's in its log odds."""
    with torch.no_grad():
        share = torch.stack((network.spread, torch.tensor(LABELLED_SHARE)))
        weight = (network.decide.weight * share[:, None]).sum(0, keepdim=True)
        bias = (network.decide.bias * share).sum().reshape(1) + network.mean
    return weight.numpy(), bias.numpy()


def build(network: AttackNetwork) -> onnx.ModelProto:
    """Input "input" N x 3 x 128 x 128, RGB 0..1; output "logit" N x 1."""
    writer = Writer()
    two, one = (writer.weight(np.array(v, np.float32)) for v in (2, 1))
    x = writer.node("Sub", writer.node("Mul", "input", two), one)
    for layer in (*network.early, *network.late, network.last[0]):
        x = writer.layer(x, layer)
    x = writer.node("Flatten", writer.convolution(x, *network.last[1]))
    weight, bias = (writer.weight(value) for value in _summed(network))
    writer.node("Gemm", x, weight, bias, output="logit", transB=1)
    image = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, 128, 128])
    logit = helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["n", 1])
    graph = helper.make_graph(writer.nodes, "perse_pad", [image], [logit], writer.weights)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="perse training"
    )
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    network = AttackNetwork()
    network.load_state_dict(torch.load(options.run / "network.pt", weights_only=True))
    network.eval()
    onnx.save(build(network), options.out)
    x = np.random.default_rng(0).random((4, 3, 128, 128), np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(x)).numpy()
    found = open_session(options.out).run({"input": x})[0]
    worst = float(np.abs(found - expected).max())
    if worst > TOLERANCE:
        raise SystemExit(f"the file differs from the network by {worst}")
    print(f"{options.out}: {options.out.stat().st_size} bytes, differs by {worst:.1e}")


if __name__ == "__main__":
    main()
