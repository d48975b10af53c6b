"""Read the graph of a TFLite file: operators in order, tensors, constants. Nothing is run.

The numbers below are slots of tables in TFLite's schema (schema.fbs, version 3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from flatbuffers import encode
from flatbuffers.number_types import Int8Flags, Int32Flags, Uint32Flags, UOffsetTFlags
from flatbuffers.table import Table

from perse.errors import WeightsCorrupt
from perse.weights.conversions.graphs import Array

_IDENTIFIER: Final = b"TFL3"
_OPERATORS: Final[Mapping[int, str]] = {
    0: "ADD",
    3: "CONV_2D",
    4: "DEPTHWISE_CONV_2D",
    17: "MAX_POOL_2D",
    34: "PAD",
    54: "PRELU",
}
_TYPES: Final[Mapping[int, str]] = {0: "<f4", 2: "<i4"}


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """``values``: those of a constant, None of a value that is computed."""

    shape: tuple[int, ...]
    values: Array | None


@dataclass(frozen=True, slots=True, eq=False)
class Operator:
    """``inputs`` and ``outputs``: numbers of tensors."""

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Table | None

    def number(self, slot: int, *, default: int = 0, flags: Any = Int32Flags) -> int:  # noqa: ANN401
        """The option in ``slot``; ``flags`` is its type."""
        return default if self.options is None else _number(self.options, slot, flags, default)

    def choice(self, slot: int) -> int:
        """The option in ``slot``, one of an enumeration."""
        return self.number(slot, flags=Int8Flags)


@dataclass(frozen=True, slots=True, eq=False)
class TfliteGraph:
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def read_graph(path: Path) -> TfliteGraph:
    """The only graph of the file.

    Raises WeightsCorrupt for another file, and for one with operators or types other than those
    that are named above.
    """
    content = path.read_bytes()
    if content[4:8] != _IDENTIFIER:
        raise WeightsCorrupt(f"{path.name} is no TFLite file")
    try:
        return _graph(Table(content, encode.Get(UOffsetTFlags.packer_type, content, 0)))
    except WeightsCorrupt:
        raise
    except Exception as error:  # an offset that leads astray can raise nearly anything
        raise WeightsCorrupt(f"{path.name} is a damaged TFLite file") from error


def _graph(model: Table) -> TfliteGraph:
    kinds = [
        _number(code, 3, Int32Flags) or _number(code, 0, Int8Flags) for code in _tables(model, 1)
    ]
    (graph,) = _tables(model, 2)
    buffers = _tables(model, 4)
    tensors = tuple(_tensor(table, buffers) for table in _tables(graph, 0))
    operators = tuple(_operator(table, kinds) for table in _tables(graph, 3))
    read = {number for it in operators for number in (*it.inputs, *it.outputs)}
    if not all(0 <= number < len(tensors) for number in read):
        raise WeightsCorrupt("an operator of the TFLite file has a tensor that there is not")
    return TfliteGraph(tensors, operators, _integers(graph, 1), _integers(graph, 2))


def _tensor(table: Table, buffers: list[Table]) -> Tensor:
    shape = _integers(table, 0)
    kind = _number(table, 1, Int8Flags)
    if kind not in _TYPES or any(side < 0 for side in shape):
        raise WeightsCorrupt(f"the TFLite file has a tensor of shape {shape} and type {kind}")
    start, count = _vector(buffers[_number(table, 2, Uint32Flags)], 0, 1)
    if not count:
        return Tensor(shape, None)
    values = np.frombuffer(table.Bytes[start : start + count], _TYPES[kind])
    return Tensor(shape, values.reshape(shape))


def _operator(table: Table, kinds: list[int]) -> Operator:
    kind = kinds[_number(table, 0, Uint32Flags)]
    if kind not in _OPERATORS:
        raise WeightsCorrupt(f"the TFLite file has an operator that is not read here ({kind})")
    slot = _slot(table, 4)
    options = Table(table.Bytes, table.Indirect(slot)) if slot else None
    return Operator(_OPERATORS[kind], _integers(table, 1), _integers(table, 2), options)


def _slot(table: Table, slot: int) -> int:
    """Where the field stands in the file; 0 when it is left out."""
    offset = table.Offset(4 + 2 * slot)
    return table.Pos + offset if offset else 0


def _number(table: Table, slot: int, flags: Any, default: int = 0) -> int:  # noqa: ANN401
    place = _slot(table, slot)
    return int(table.Get(flags, place)) if place else default


def _vector(table: Table, slot: int, item_bytes: int) -> tuple[int, int]:
    """Where a vector's items begin, and how many there are."""
    place = _slot(table, slot)
    if not place:
        return 0, 0
    vector = table.Indirect(place)
    count = int(table.Get(Uint32Flags, vector))
    if vector + 4 + count * item_bytes > len(table.Bytes):
        raise WeightsCorrupt("the TFLite file ends in the middle of a vector")
    return vector + 4, count


def _integers(table: Table, slot: int) -> tuple[int, ...]:
    start, count = _vector(table, slot, 4)
    return tuple(np.frombuffer(table.Bytes[start : start + 4 * count], "<i4").tolist())


def _tables(table: Table, slot: int) -> list[Table]:
    start, count = _vector(table, slot, 4)
    return [Table(table.Bytes, table.Indirect(start + 4 * index)) for index in range(count)]
