"""Reads a network in dlib's own serialisation: a flat list of layers, input first.

Rules of the format (dlib's public ``serialize.h``, ``float_details.h`` and ``dnn/layers.h``):

- integer: one byte, low four bits = number of magnitude bytes, top bit = negative; magnitude
  little-endian;
- float or double: mantissa and exponent, two integers, value = mantissa * 2**exponent;
- string: its length, then its bytes; truth value: the character ``1`` or ``0``;
- tensor: version 2, four dimensions as integers, then float32 little-endian values.

Every layer is wrapped: subnetwork, name and details, three truth values, three scratch tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from perse.errors import WeightsCorrupt

Parameters = NDArray[np.float32]

_TENSOR_VERSION: Final = 2
_WRAPPER_VERSIONS: Final = (1, 2, 3)
_MAX_INTEGER_BYTES: Final = 8
_MAX_NAME_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class InputLayer:
    """``mean``: what is taken from red, green and blue (0..255) before division by 256."""

    mean: tuple[float, float, float]
    height_px: int
    width_px: int


@dataclass(frozen=True, slots=True)
class Layer:
    """``kind``: dlib's layer name without its version number.

    ``shape``: con: filters, rows, columns, stride y, stride x, padding y, padding x;
    pools: rows, columns, stride y, stride x, padding y, padding x (0 rows = everything);
    fc: outputs, inputs, bias mode (1 = none). ``parameters``: float32, one dimension.
    """

    kind: str
    shape: tuple[int, ...] = ()
    parameters: Parameters | None = None


class _Stream:
    """A cursor over bytes; every read beyond the end raises WeightsCorrupt."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    @property
    def finished(self) -> bool:
        return self._at == len(self._content)

    def take(self, count: int) -> bytes:
        taken = self._content[self._at : self._at + count]
        if len(taken) != count:
            raise WeightsCorrupt("the dlib network ends too early")
        self._at += count
        return taken

    def integer(self) -> int:
        head = self.take(1)[0]
        size = head & 0x0F
        if not 1 <= size <= _MAX_INTEGER_BYTES:
            raise WeightsCorrupt("the dlib network holds an integer of impossible length")
        magnitude = int.from_bytes(self.take(size), "little")
        return -magnitude if head & 0x80 else magnitude

    def integers(self, count: int) -> tuple[int, ...]:
        return tuple(self.integer() for _ in range(count))

    def real(self) -> float:
        mantissa, exponent = self.integers(2)
        return float(mantissa) * 2.0**exponent

    def text(self, length: int) -> str:
        if not 0 < length <= _MAX_NAME_BYTES:
            raise WeightsCorrupt("the dlib network holds a name of impossible length")
        return self.take(length).decode("ascii", "replace")

    def tensor(self) -> Parameters:
        version, *dimensions = self.integers(5)
        if version != _TENSOR_VERSION or min(dimensions) < 0:
            raise WeightsCorrupt("the dlib network holds a tensor of an unknown version")
        samples, channels, rows, columns = dimensions
        count = samples * channels * rows * columns
        return np.frombuffer(self.take(4 * count), dtype="<f4").astype(np.float32)


_Reader = Callable[[_Stream], Layer]


def read_network(path: Path) -> tuple[InputLayer, list[Layer]]:
    """The input and the layers in the order in which they run.

    Raises WeightsCorrupt for anything that is not a network of the layers known here.
    """
    stream = _Stream(path.read_bytes())
    image = _input_layer(stream, _skip_wrappers(stream))
    layers = [_layer(stream)]
    stream.integer()  # how many samples one picture becomes, kept with the first layer only
    while not stream.finished:
        layers.append(_layer(stream))
    return image, layers


def _skip_wrappers(stream: _Stream) -> int:
    """Pass the loss layer and the version of every nested wrapper; length of the input's name."""
    stream.integer()
    loss = stream.text(stream.integer())
    if loss != "loss_metric_2":
        raise WeightsCorrupt(f"a dlib network for comparing was expected, not one with {loss!r}")
    stream.real()
    stream.real()
    value = stream.integer()
    while value in _WRAPPER_VERSIONS:
        value = stream.integer()
    return value


def _input_layer(stream: _Stream, name_length: int) -> InputLayer:
    name = stream.text(name_length)
    if name != "input_rgb_image_sized":
        raise WeightsCorrupt(f"dlib input layer {name!r} is not known")
    mean = (stream.real(), stream.real(), stream.real())
    height_px, width_px = stream.integers(2)
    return InputLayer(mean, height_px, width_px)


def _layer(stream: _Stream) -> Layer:
    name = stream.text(stream.integer())
    reader = _READERS.get(name)
    if reader is None:
        raise WeightsCorrupt(f"dlib layer {name!r} is not known")
    layer = reader(stream)
    if set(stream.take(3)) - set(b"01"):
        raise WeightsCorrupt(f"dlib layer {name!r} does not end as it should")
    for _ in range(3):
        stream.tensor()
    return layer


def _convolution(stream: _Stream) -> Layer:
    parameters = stream.tensor()
    shape = stream.integers(7)
    stream.integers(10)  # where filters and biases lie within the parameters
    for _ in range(4):
        stream.real()  # learning rates and weight decays
    return Layer("con", shape, parameters)


def _affine(stream: _Stream) -> Layer:
    parameters = stream.tensor()
    stream.integers(10)
    mode = stream.integer()
    if mode != 0:
        raise WeightsCorrupt("only affine layers after convolutions are known")
    return Layer("affine", (), parameters)


def _fully_connected(stream: _Stream) -> Layer:
    outputs, inputs = stream.integers(2)
    parameters = stream.tensor()
    stream.integers(10)
    mode = stream.integer()
    for _ in range(4):
        stream.real()
    return Layer("fc", (outputs, inputs, mode), parameters)


def _pool(kind: str) -> _Reader:
    return lambda stream: Layer(kind, stream.integers(6))


def _bare(kind: str) -> _Reader:
    return lambda _: Layer(kind)


_READERS: Final[Mapping[str, _Reader]] = {
    "con_4": _convolution,
    "affine_": _affine,
    "fc_2": _fully_connected,
    "relu_": _bare("relu"),
    "add_prev_": _bare("add_prev"),
    "max_pool_2": _pool("max_pool"),
    "avg_pool_2": _pool("avg_pool"),
}
