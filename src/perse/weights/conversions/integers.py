"""Writing networks that compute in 8-bit integers.

A value is held in unsigned steps of its grid, a weight in signed steps of its channel: ``(stored -
zero) * step``. Grids come from ranges that were seen (``training/activation_ranges.py``), so that a
conversion needs no pictures. Sums are 32-bit integers; processors without instructions for them
round on the way, and must not be given such a network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from perse.weights.conversions.graphs import Array, GraphWriter

_WEIGHT_STEPS: Final = 127
_GRID_STEPS: Final = 255
_SMALLEST_STEP: Final = 1e-8


@dataclass(frozen=True, slots=True)
class Grid:
    """256 equally spaced values, of which 0 is one."""

    step: np.float32
    zero: np.uint8

    @classmethod
    def over(cls, lowest: float, highest: float) -> Grid:
        """From ``lowest`` to ``highest``, which are moved apart to have 0 between them."""
        lowest, highest = min(lowest, 0.0), max(highest, 0.0)
        step = max((highest - lowest) / _GRID_STEPS, _SMALLEST_STEP)
        return cls(np.float32(step), np.uint8(round(-lowest / step)))


@dataclass(frozen=True, slots=True)
class Stored:
    """A value that the graph holds in integers: its name there, and what they stand for."""

    name: str
    grid: Grid


class IntegerWriter(GraphWriter):
    """Collects nodes that compute in integers."""

    def stored(self, value: str, read_as: Grid) -> Stored:
        """Whole numbers 0..255 of a float32 input, taken as steps of a grid."""
        return Stored(
            self.add("QuantizeLinear", value, *self._written(Grid(np.float32(1), np.uint8(0)))),
            read_as,
        )

    def convolution(
        self,
        value: Stored,
        weight: Array,
        bias: Array,
        grid: Grid,
        **attributes: Any,  # noqa: ANN401
    ) -> Stored:
        """``weight``: out x in x height x width, rounded to steps of each output channel."""
        steps, step = in_steps(weight.reshape(len(weight), -1))
        name = self.add(
            "QLinearConv",
            *(value.name, *self._written(value.grid)),
            self.constant(steps.reshape(weight.shape)),
            *(self.constant(step), self.constant(np.zeros(len(step), np.int8))),
            *self._written(grid),
            self.constant(np.rint(bias / (step.astype(np.float64) * value.grid.step)).astype("i4")),
            **attributes,
        )
        return Stored(name, grid)

    def bent(self, value: Stored, slope: Array) -> Stored:
        """``PRelu`` with a slope of at most 1 per channel: the larger one of value and slope *
        value, on the same grid."""
        scaled = self.convolution(
            value,
            slope.reshape(-1, 1, 1, 1),
            np.zeros(len(slope)),
            value.grid,
            group=len(slope),
            kernel_shape=[1, 1],
        )
        return Stored(self.add("Max", value.name, scaled.name), value.grid)

    def product(self, value: Stored, weight: Array, bias: Array) -> str:
        """``weight`` (out x in) times a row, plus ``bias``, in float32 again."""
        steps, step = in_steps(weight)
        zero = self._written(value.grid)[1]
        sums = self.add("MatMulInteger", value.name, self.constant(steps.T), zero)
        # To the tensor type FLOAT of ONNX.
        plain = self.add("Cast", sums, to=1)
        scaled = self.add("Mul", plain, self.constant(step * value.grid.step))
        return self.add("Add", scaled, self.constant(bias.astype(np.float32)))

    def _written(self, grid: Grid) -> tuple[str, str]:
        return self.constant(np.asarray(grid.step)), self.constant(np.asarray(grid.zero))


def in_steps(rows: Array) -> tuple[Array, Array]:
    """Each row as int8 steps -127..127, and the size of its step in float32."""
    widest = np.maximum(np.abs(rows).max(axis=1), _SMALLEST_STEP)
    step = (widest / _WEIGHT_STEPS).astype(np.float32)
    return np.rint(rows / step[:, None]).clip(-_WEIGHT_STEPS, _WEIGHT_STEPS).astype(np.int8), step
