"""Products of codes: whole numbers, so that every kernel says the same to the last bit.

``numkong`` picks instructions for bytes that the processor has; NumPy is there for whoever has no
wheel of it, and wherever it computes something else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from perse.search.quantised import Codes, Products

# So many values at most: sums of products of bytes are exact in float32 below 2^24.
_EXACT_IN_FLOAT32: Final = 1040
# So many products are computed at a time, which the processor's cache holds.
_PRODUCTS: Final = 1 << 18
_MOST_ROWS: Final = 1 << 16
_LEAST_ROWS: Final = 1024
# So many templates are floating point numbers at a time.
_WIDE_ROWS: Final = 2048
# So many columns cost numkong no more than one: of the tiles that AMX multiplies, and otherwise.
_COLUMNS_OF_TILES: Final = 16
_COLUMNS: Final = 4

Multiply = Callable[[Codes], Products]


class Kernel(Protocol):
    """Opens a product for one search on one thread."""

    def __call__(self, probes: Codes, rows: int, /) -> Multiply:
        """``probes``: m x values. What is returned takes up to ``rows`` x values, and answers rows
        x m, which it may overwrite with its next answer."""
        ...


def rows_at_a_time(probes: int) -> int:
    """How many templates to multiply with so many probes at a time."""
    return min(_MOST_ROWS, max(_LEAST_ROWS, _PRODUCTS // max(1, probes)))


def numpy_kernel(probes: Codes, rows: int, /) -> Multiply:
    """By way of floating point numbers, in which these whole numbers are exact."""
    kind = np.float32 if probes.shape[1] <= _EXACT_IN_FLOAT32 else np.float64
    columns = np.ascontiguousarray(probes.T, kind)
    wide = np.empty((min(rows, _WIDE_ROWS), probes.shape[1]), kind)
    products = np.empty((rows, len(probes)), np.int32)

    def multiply(codes: Codes) -> Products:
        for start in range(0, len(codes), _WIDE_ROWS):
            part = codes[start : start + _WIDE_ROWS]
            np.copyto(wide[: len(part)], part)
            products[start : start + len(part)] = wide[: len(part)] @ columns
        return products[: len(codes)]

    return multiply


def numkong_kernel(probes: Codes, rows: int, /) -> Multiply:
    """Raises ImportError where numkong is not installed.

    It is made for matrices, and one probe is a single column. So several templates that lie side by
    side are one long row to it, and for each of their places there is a column of the probe's codes
    and zeros elsewhere: the same products, and as few rows as its columns allow.
    """
    import numkong  # noqa: PLC0415 - only who searches pays for it

    count = len(probes)
    beside = max(1, _columns(numkong.get_capabilities()) // count)
    packed = {many: numkong.dots_pack(_side_by_side(probes, many)) for many in {1, beside}}
    kept = numkong.zeros((rows // beside, beside * count), dtype="int32")

    def multiply(codes: Codes) -> Products:
        many = 1 if len(codes) % beside else beside
        long_rows = codes.reshape(len(codes) // many, -1)
        if len(codes) == rows and many == beside:
            numkong.dots_packed(long_rows, packed[many], out=kept)
            return np.asarray(kept).reshape(rows, count)
        return np.asarray(numkong.dots_packed(long_rows, packed[many])).reshape(-1, count)

    return multiply


def _columns(capabilities: Mapping[str, bool]) -> int:
    tiles = any(here for name, here in capabilities.items() if name.endswith("amx"))
    return _COLUMNS_OF_TILES if tiles else _COLUMNS


def _side_by_side(probes: Codes, many: int) -> Codes:
    """Columns for the first of ``many`` templates in a long row, for the second, and so on."""
    count, values = probes.shape
    columns = np.zeros((many, count, many, values), np.int8)
    for place in range(many):
        columns[place, :, place] = probes
    return columns.reshape(many * count, many * values)


@cache
def fastest_kernel() -> Kernel:
    """The first one that is here and computes what NumPy does."""
    return numkong_kernel if agrees(numkong_kernel) else numpy_kernel


def agrees(kernel: Kernel) -> bool:
    """Whether it is here and right: tried with the largest codes and with others, of lengths that
    fill no register."""
    random = np.random.default_rng(7)
    for rows, values, probes in ((67, 128, 1), (64, 128, 1), (64, 192, 3), (33, 77, 17)):
        codes = random.integers(-127, 128, (rows, values), np.int8)
        asked = random.integers(-127, 128, (probes, values), np.int8)
        codes[0], asked[0] = 127, -127
        try:
            found = kernel(asked, rows)(codes)
        except ImportError:
            return False
        if not np.array_equal(found, _plainly(codes, asked)):
            return False
    return True


def _plainly(codes: Codes, probes: Codes) -> NDArray[np.int64]:
    return codes.astype(np.int64) @ probes.astype(np.int64).T
