"""Every kernel says the same, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perse.search.kernels import (
    Kernel,
    Multiply,
    agrees,
    fastest_kernel,
    numkong_kernel,
    numpy_kernel,
    rows_at_a_time,
)
from perse.search.quantised import Codes, Products

KERNELS = pytest.mark.parametrize("kernel", [numpy_kernel, numkong_kernel])


@KERNELS
@settings(deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 70),
    values=st.integers(1, 260),
    probes=st.integers(1, 20),
)
def test_products_are_those_of_whole_numbers(
    kernel: Kernel, seed: int, count: int, values: int, probes: int
) -> None:
    random = np.random.default_rng(seed)
    codes = random.integers(-127, 128, (count, values), np.int8)
    asked = random.integers(-127, 128, (probes, values), np.int8)
    expected = codes.astype(np.int64) @ asked.T.astype(np.int64)
    assert np.array_equal(kernel(asked, 64)(codes[:64]), expected[:64])
    assert np.array_equal(kernel(asked, 70)(codes), expected)


@KERNELS
@pytest.mark.parametrize("values", [128, 192, 1040, 1041, 2048])
def test_the_largest_codes_of_long_vectors_are_exact(kernel: Kernel, values: int) -> None:
    codes = np.full((5000, values), 127, np.int8)
    products = kernel(-codes[:1], 5000)(codes)
    assert products.dtype == np.int32
    assert (products == -(127**2) * values).all()


def test_a_kernel_that_computes_something_else_is_not_used() -> None:
    def saturating(probes: Codes, rows: int, /) -> Multiply:
        right = numpy_kernel(probes, rows)

        def multiply(codes: Codes) -> Products:
            return np.minimum(right(codes), 2**20)

        return multiply

    def absent(probes: Codes, rows: int, /) -> Multiply:
        raise ImportError

    assert agrees(numpy_kernel)
    assert not agrees(lambda probes, rows: lambda codes: -numpy_kernel(probes, rows)(codes))
    assert agrees(saturating)  # no product of bytes of 192 values is so large
    assert not agrees(absent)


def test_the_fast_kernel_is_used_where_it_is_installed() -> None:
    assert fastest_kernel() is numkong_kernel


def test_a_block_of_products_stays_small_however_many_probes() -> None:
    assert rows_at_a_time(1) == 65_536
    assert rows_at_a_time(64) == 4096
    assert rows_at_a_time(100_000) == 1024
