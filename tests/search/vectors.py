"""Unit vectors, ordinary ones and awkward ones."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from perse.search.quantised import Vectors


def alike(count: int, values: int, *, seed: int) -> Vectors:
    """Of all directions."""
    return normalised(np.random.default_rng(seed).standard_normal((count, values)))


def normalised(vectors: np.typing.NDArray[np.float64]) -> Vectors:
    unit: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


@st.composite
def unit_vectors(draw: st.DrawFn) -> Vectors:
    """One or more of any number of values: spread evenly, in few values, or nearly the same."""
    count, values = draw(st.integers(1, 12)), draw(st.integers(1, 200))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    vectors = random.standard_normal((count, values))
    kind = draw(st.sampled_from(["even", "heavy", "near"]))
    if kind == "heavy":
        vectors **= draw(st.sampled_from([3, 9]))
    if kind == "near":
        vectors = vectors[:1] + 1e-3 * vectors
    return normalised(vectors)
