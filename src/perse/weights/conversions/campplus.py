"""CAM++ speaker embedder: from the released checkpoint to ONNX.

Wang, Zheng, Chen, Cheng, Chen: CAM++: A Fast and Efficient Network for Speaker Verification Using
Context-Aware Masking (2023); 3D-Speaker. A head of 2-D convolutions over bands and frames, three
blocks of densely connected time-delay layers, each of which weighs its channels by what the whole
recording and the segment of 100 frames around it hold, and a pooling of mean and deviation. A
second pooling, over each second and a half, tells at no cost what each part answers by itself.
The gate is the same for a whole segment, so it is computed once for each. What runs over time is
written as a picture one row high, because ONNX Runtime's fast layout is for pictures. The same
source gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import onnx

from perse.errors import WeightsCorrupt
from perse.weights.conversions.graphs import Array, GraphWriter, write_model
from perse.weights.conversions.torch_zip import Tensors, read_tensors

BANDS: Final = 80
FEATURES: Final = 192

_HEAD: Final = 32
_GROWTH: Final = 32
_BOTTLENECK: Final = 128
_GATE: Final = 64
_FIRST: Final = 128
# Layers and dilation of each block.
_BLOCKS: Final = ((12, 1), (24, 2), (16, 2))
_SEGMENT: Final = 100
_EPSILON: Final = 1e-5
# Of 20 ms, at the end of the network: a second and a half.
_PART: Final = 75


def convert(source: Path, target: Path) -> None:
    """Input ``bands``: 1 x frames x 80, float32. Outputs, not normalised: ``features``, 1 x 192,
    and ``parts``, 192 values for every 150 frames one after the other, the last of them fewer.

    Raises WeightsCorrupt when ``source`` is not the network described above.
    """
    write_model(build(read_tensors(source)), target)


def build(tensors: Tensors) -> onnx.ModelProto:
    """The checked ONNX graph of the checkpoint's ``tensors``."""
    network = _Network(tensors)
    value, channels = network.head(), _FIRST
    network.count_segments(value)
    for number, (layers, dilation) in enumerate(_BLOCKS, start=1):
        value = network.block(f"xvector.block{number}", value, channels, layers, dilation)
        channels += layers * _GROWTH
        value = network.bent(f"xvector.transit{number}.nonlinear", value, channels)
        channels //= 2
        value = network.conv(f"xvector.transit{number}.linear", value, (channels, 2 * channels, 1))
    return network.model(*network.pooled(value, channels))


class _Network:
    """The graph as it grows; each weight is taken by name and has to have its shape."""

    def __init__(self, tensors: Tensors) -> None:
        self._tensors = tensors
        self._writer = GraphWriter()
        self._segment_of_frame = ""
        self._time_axis = self._writer.constant(np.array(3, np.int64))

    def head(self) -> str:
        """Bands become channels, half of the frames stay: 1 x 128 x 1 x T."""
        add = self._writer.add
        one = self._writer.constant(np.array([1], np.int64))
        value = add("Unsqueeze", add("Transpose", "bands", perm=[0, 2, 1]), one)
        value = self._conv2d("head.conv1", "head.bn1", value, inputs=1)
        value = add("Relu", value)
        for layer in ("head.layer1", "head.layer2"):
            value = self._residual(f"{layer}.0", value, stride=2)
            value = self._residual(f"{layer}.1", value, stride=1)
        value = add("Relu", self._conv2d("head.conv2", "head.bn2", value, stride=2))
        rows = _HEAD * BANDS // 8
        flat = self._writer.constant(np.array([0, rows, 1, -1], np.int64))
        value = add("Reshape", value, flat)
        value = self.conv("xvector.tdnn.linear", value, (_FIRST, rows, 5), stride=2)
        return self.bent("xvector.tdnn.nonlinear", value, _FIRST)

    def count_segments(self, value: str) -> None:
        """From now on each frame of ``value``'s number knows its segment."""
        add, constant = self._writer.add, self._writer.constant
        first, step = constant(np.array(0, np.int64)), constant(np.array(1, np.int64))
        frames = add("Range", first, self._length(value), step)
        self._segment_of_frame = add("Div", frames, constant(np.array(_SEGMENT, np.int64)))

    def block(self, name: str, value: str, channels: int, layers: int, dilation: int) -> str:
        """Each layer adds channels to all that stood before it."""
        for number in range(1, layers + 1):
            layer = f"{name}.tdnnd{number}"
            inner = self.bent(f"{layer}.nonlinear1", value, channels)
            inner = self.conv(f"{layer}.linear1", inner, (_BOTTLENECK, channels, 1))
            inner = self.bent(f"{layer}.nonlinear2", inner, _BOTTLENECK)
            gated = self._gated(f"{layer}.cam_layer", inner, dilation)
            value = self._writer.add("Concat", value, gated, axis=1)
            channels += _GROWTH
        return value

    def bent(self, name: str, value: str, channels: int) -> str:
        """Batch normalisation and ReLU."""
        return self._writer.add("Relu", self._normalised(f"{name}.batchnorm", value, channels))

    def conv(
        self, name: str, value: str, shape: tuple[int, ...], *, stride: int = 1, dilation: int = 1
    ) -> str:
        """A convolution over time that keeps the length but for ``stride``."""
        margin = shape[-1] // 2 * dilation
        return self._writer.add(
            "Conv",
            value,
            self._weight(f"{name}.weight", shape),
            *([self._weight(f"{name}.bias", shape[:1])] if f"{name}.bias" in self._tensors else []),
            strides=[1, stride],
            dilations=[1, dilation],
            pads=[0, margin, 0, margin],
        )

    def pooled(self, value: str, channels: int) -> tuple[str, str]:
        """Mean and deviation over time, and the last layer: 1 x 192, and a row for each part."""
        add = self._writer.add
        value = self.bent("xvector.out_nonlinear", value, channels)
        pooled = add("Concat", self._whole(value), self._parts(value), axis=3)
        rows = self.conv("xvector.dense.linear", pooled, (FEATURES, 2 * channels, 1))
        rows = self._normalised("xvector.dense.nonlinear.batchnorm", rows, FEATURES, affine=False)
        rows = add("Transpose", add("Squeeze", rows, self._numbers(0, 2)), perm=[1, 0])
        start, second, end = (self._numbers(at) for at in (0, 1, np.iinfo(np.int64).max))
        return add("Slice", rows, start, second), add("Slice", rows, second, end)

    def model(self, features: str, parts: str) -> onnx.ModelProto:
        return self._writer.model(
            "campplus",
            {"bands": (1, "frames", BANDS)},
            {"features": (features, (1, FEATURES)), "parts": (parts, ("parts", FEATURES))},
        )

    def _whole(self, value: str) -> str:
        """Mean and unbiased deviation over all frames."""
        add = self._writer.add
        mean = add("ReduceMean", value, axes=[3], keepdims=1)
        squares = add("ReduceSumSquare", add("Sub", value, mean), axes=[3], keepdims=1)
        frames = add("Cast", self._length(value), to=onnx.TensorProto.FLOAT)
        one = self._writer.constant(np.array(1, np.float32))
        deviation = add("Sqrt", add("Div", squares, add("Sub", frames, one)))
        return add("Concat", mean, deviation, axis=1)

    def _parts(self, value: str) -> str:
        """Mean and deviation over each part."""
        add = self._writer.add
        mean, squares = (self._averaged(v, _PART) for v in (value, add("Mul", value, value)))
        variance = add("Relu", add("Sub", squares, add("Mul", mean, mean)))
        return add("Concat", mean, add("Sqrt", variance), axis=1)

    def _averaged(self, value: str, frames: int) -> str:
        """The mean over every so many frames, the last ones fewer."""
        stretch = [1, frames]
        return self._writer.add(
            "AveragePool", value, kernel_shape=stretch, strides=stretch, ceil_mode=1
        )

    def _numbers(self, *numbers: int) -> str:
        return self._writer.constant(np.array(numbers, np.int64))

    def _gated(self, name: str, value: str, dilation: int) -> str:
        add = self._writer.add
        local = self.conv(
            f"{name}.linear_local", value, (_GROWTH, _BOTTLENECK, 3), dilation=dilation
        )
        whole = add("ReduceMean", value, axes=[3], keepdims=1)
        context = add("Add", self._averaged(value, _SEGMENT), whole)
        context = add("Relu", self.conv(f"{name}.linear1", context, (_GATE, _BOTTLENECK, 1)))
        gate = add("Sigmoid", self.conv(f"{name}.linear2", context, (_GROWTH, _GATE, 1)))
        return add("Mul", local, add("Gather", gate, self._segment_of_frame, axis=3))

    def _residual(self, name: str, value: str, *, stride: int) -> str:
        add = self._writer.add
        inner = add("Relu", self._conv2d(f"{name}.conv1", f"{name}.bn1", value, stride=stride))
        inner = self._conv2d(f"{name}.conv2", f"{name}.bn2", inner)
        if stride != 1:
            value = self._conv2d(
                f"{name}.shortcut.0", f"{name}.shortcut.1", value, stride=stride, side=1
            )
        return add("Relu", add("Add", inner, value))

    def _conv2d(
        self,
        name: str,
        norm: str,
        value: str,
        *,
        stride: int = 1,
        side: int = 3,
        inputs: int = _HEAD,
    ) -> str:
        """Over bands and frames; ``stride`` is that of the bands."""
        weight = self._weight(f"{name}.weight", (_HEAD, inputs, side, side))
        value = self._writer.add("Conv", value, weight, strides=[stride, 1], pads=[side // 2] * 4)
        return self._normalised(norm, value, _HEAD)

    def _normalised(self, name: str, value: str, channels: int, *, affine: bool = True) -> str:
        plain = (np.ones(channels, np.float32), np.zeros(channels, np.float32))
        scale = (
            [self._weight(f"{name}.{part}", (channels,)) for part in ("weight", "bias")]
            if affine
            else [self._writer.constant(values) for values in plain]
        )
        seen = [self._weight(f"{name}.running_{part}", (channels,)) for part in ("mean", "var")]
        return self._writer.add("BatchNormalization", value, *scale, *seen, epsilon=_EPSILON)

    def _length(self, value: str) -> str:
        return self._writer.add("Gather", self._writer.add("Shape", value), self._time_axis)

    def _weight(self, name: str, shape: Sequence[int]) -> str:
        values: Array | None = self._tensors.get(name)
        if values is None or values.shape != tuple(shape) or values.dtype != np.float32:
            raise WeightsCorrupt(f"the CAM++ checkpoint has no tensor {name} of shape {shape}")
        return self._writer.constant(values[:, :, np.newaxis] if values.ndim == 3 else values)
