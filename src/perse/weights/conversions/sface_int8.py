"""SFace as published, made into 8-bit integers: for processors that compute these exactly.

Its layers are units of a convolution, a normalisation and a ``PRelu``. The normalisation is folded
into the convolution; ``PRelu(x)`` is ``max(x, slope * x)`` where the slope is at most 1. A channel
of a steeper slope is turned around, by the signs of the weights before and after it, because
``min(x, y) = -max(-x, -y)``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from onnx import helper, numpy_helper

from perse.errors import WeightsCorrupt
from perse.weights.conversions.block_quantised import in_float
from perse.weights.conversions.graphs import Array, read_model, write_model
from perse.weights.conversions.integers import Grid, IntegerWriter, Stored

RANGES: Final = Path(__file__).with_name("sface_ranges.toml")
_FIRST: Final = ("Sub", "Mul")
_UNIT: Final = ("Conv", "BatchNormalization", "PRelu")
_LAST: Final = ("BatchNormalization", "Dropout", "Flatten", "Gemm", "BatchNormalization")

Pair = tuple[Array, Array]


@dataclass(frozen=True, slots=True)
class Unit:
    """``weight``, ``bias``: of the convolution, the normalisation folded in. ``slope``: of the
    PRelu, by channel. ``attributes``: of the convolution."""

    name: str
    weight: Array
    bias: Array
    slope: Array
    attributes: Mapping[str, Any]

    @property
    def by_channel(self) -> bool:
        return bool(self.weight.shape[1] == 1)


def convert(source: Path, target: Path) -> None:
    """Ends as those of the conversion ``sface``; pixels are whole numbers.

    Raises WeightsCorrupt when ``source`` is another network.
    """
    network = in_float(read_model(source))
    nodes = [node for node in network.graph.node if node.op_type != "Constant"]
    kinds = tuple(node.op_type for node in nodes)
    count = (len(nodes) - len(_FIRST) - len(_LAST)) // len(_UNIT)
    if kinds != (*_FIRST, *_UNIT * count, *_LAST):
        raise WeightsCorrupt(f"{source.name} is not SFace")
    values = {it.name: numpy_helper.to_array(it) for it in network.graph.initializer}
    grey, per_level = (values[node.input[1]].item() for node in nodes[: len(_FIRST)])
    writer = IntegerWriter()
    pixels = writer.stored("data", Grid(np.float32(per_level), np.uint8(round(grey))))
    units = list(_units(nodes[len(_FIRST) : -len(_LAST)], values))
    # The middle grey lies between two levels; what it is off is added in the first unit.
    units[0] = _brighter(units[0], (round(grey) - grey) * per_level)
    value, signs = _through(units, pixels, writer)
    answer = _features(value, signs, _last(nodes[-len(_LAST) :], values), writer)
    ends = {"data": (1, 3, 112, 112)}, {"fc1": (answer, (1, 128))}
    write_model(writer.model("sface", *ends), target)


def _through(units: Sequence[Unit], value: Stored, writer: IntegerWriter) -> tuple[Stored, Array]:
    """What the units make of the value, and which of its channels are turned around: -1."""
    ranges = tomllib.loads(RANGES.read_text(encoding="utf-8"))["ranges"]
    signs = np.ones(1)
    for unit in units:
        before = signs[:, None, None, None] if unit.by_channel else signs[:, None, None]
        signs = np.where(unit.slope > 1, -1.0, 1.0)
        weight = unit.weight * before * signs[:, None, None, None]
        lowest, highest = ranges[unit.name]
        if signs.min() < 0:
            lowest, highest = min(lowest, -highest), max(-lowest, highest)
        grid = Grid.over(lowest, highest)
        plain = writer.convolution(value, weight, unit.bias * signs, grid, **unit.attributes)
        value = writer.bent(plain, unit.slope)
    return value, signs


def _features(value: Stored, signs: Array, product: Pair, writer: IntegerWriter) -> str:
    weight, bias = product
    rows = (weight.reshape(len(bias), len(signs), -1) * signs[:, None]).reshape(weight.shape)
    flat = Stored(writer.add("Flatten", value.name), value.grid)
    return writer.product(flat, rows, bias)


def _brighter(unit: Unit, offset: float) -> Unit:
    """The unit of an input that lacks ``offset``."""
    return replace(unit, bias=unit.bias + unit.weight.sum(axis=(1, 2, 3)) * offset)


def _units(nodes: list[onnx.NodeProto], values: Mapping[str, Array]) -> Iterator[Unit]:
    for conv, norm, bent in zip(nodes[::3], nodes[1::3], nodes[2::3], strict=True):
        factor, bias = _normalisation(norm, values)
        yield Unit(
            bent.output[0],
            values[conv.input[1]].astype(np.float64) * factor[:, None, None, None],
            bias,
            values[bent.input[1]].astype(np.float64).reshape(-1),
            {it.name: helper.get_attribute_value(it) for it in conv.attribute},
        )


def _last(nodes: list[onnx.NodeProto], values: Mapping[str, Array]) -> Pair:
    """Weight (out x in) and bias of the last product, with the normalisations around it."""
    before, _dropout, _flatten, product, after = nodes
    weight, bias = (values[name].astype(np.float64) for name in product.input[1:])
    factor, offset = _normalisation(before, values)
    by_channel = weight.reshape(len(bias), len(factor), -1)
    bias = bias + np.einsum("ock,c->o", by_channel, offset)
    weight = (by_channel * factor[:, None]).reshape(weight.shape)
    factor, offset = _normalisation(after, values)
    return weight * factor[:, None], bias * factor + offset


def _normalisation(node: onnx.NodeProto, values: Mapping[str, Array]) -> Pair:
    """By channel, what it multiplies with and what it adds then."""
    scale, bias, mean, variance = (values[name].astype(np.float64) for name in node.input[1:])
    (epsilon,) = (it.f for it in node.attribute if it.name == "epsilon")
    factor = scale / np.sqrt(variance + epsilon)
    return factor, bias - mean * factor
