"""Quantised templates in memory, and which of them can reach a cosine: never one too few."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from perse.search.chunks import NOBODY, Chunk, Numbers, Rows
from perse.search.kernels import Kernel, Multiply, fastest_kernel, rows_at_a_time
from perse.search.leaders import Found, Leaders
from perse.search.quantised import Probe, Products, Vectors, code_length
from perse.search.row_mask import MOST_ROWS_PER_CHUNK, RowMask

_WRITTEN_AT_A_TIME: Final = 4096
# Below this cosine are many of whatever is searched.
_LOW: Final = 0.2
_FEW_ROWS: Final = 256
_BYTES_PER_NUMBER: Final = 8
_LEAST: Final = -(2**31)  # of the products


class TemplateIndex:
    """Unit vectors of ``values`` float32 values, eight bytes each and one a value, less of long
    ones, by the number of their sample: any whole number from 0 on below 2^63, which means nothing
    here.

    Adding and removing take the same time however many there are, and removed rows are written
    again first. Nothing is synchronised here: let searches run side by side and changes alone
    (``SharedLock``).
    """

    def __init__(
        self,
        values: int,
        *,
        kernel: Kernel | None = None,
        rows_per_chunk: int = MOST_ROWS_PER_CHUNK,
    ) -> None:
        self.values = values
        self._codes_each = code_length(values)
        self._rows_per_chunk = rows_per_chunk
        self._kernel = kernel or fastest_kernel()
        self.chunks: list[Chunk] = []
        self._holes: list[int] = []
        self._written = 0

    def __len__(self) -> int:
        return self._written - len(self._holes)

    @property
    def bytes_held(self) -> int:
        """Of rows that were ever written; the system has given no memory for others."""
        return self._written * (self._codes_each + _BYTES_PER_NUMBER)

    def add(self, numbers: Sequence[int], vectors: Vectors) -> Rows:
        """The rows that they got, in their order: what ``remove`` and masks ask for."""
        rows = [np.empty(0, np.intp)]
        for start in range(0, len(numbers), _WRITTEN_AT_A_TIME):
            part = slice(start, start + _WRITTEN_AT_A_TIME)
            rows.append(self._write(np.array(numbers[part], np.int64), vectors[part]))
        return np.concatenate(rows)

    def remove(self, rows: Iterable[int]) -> None:
        """Rows that ``add`` gave, each once."""
        gone = sorted(map(int, rows))
        for chunk, inside in self._by_chunk(gone):
            chunk.clear(inside)
        self._holes += gone

    def mask(self, rows: Iterable[int]) -> RowMask:
        """Of these rows, to search among them only."""
        mask = RowMask(self._rows_per_chunk)
        for row in rows:
            mask.add(row)
        return mask

    def wipe(self) -> None:
        """Empty, and its memory zeroed and given back."""
        for chunk in self.chunks:
            chunk.wipe()
        self.chunks, self._holes, self._written = [], [], 0

    def search(
        self, vectors: Vectors, floors: Sequence[float], most: int, among: RowMask | None = None
    ) -> list[Found]:
        """For each unit vector, which samples may reach a cosine of its floor: about the ``most``
        likely ones. What is left out is told by ``Found.rest``."""
        probes = [Probe.of(vector) for vector in vectors]
        leaders = [Leaders(floor, most) for floor in floors]
        rows = rows_at_a_time(len(probes))
        multiply = self._kernel(np.stack([probe.codes for probe in probes]), rows)
        for position, chunk in enumerate(self.chunks):
            allowed = among.of_chunk(position) if among is not None else None
            if among is None or allowed is not None:
                _Scan(probes, leaders, multiply, rows)(chunk, allowed)
        return [leader.found() for leader in leaders]

    def _write(self, numbers: Numbers, vectors: Vectors) -> Rows:
        reused = [self._holes.pop() for _ in range(min(len(numbers), len(self._holes)))]
        fresh = range(self._written, self._written + len(numbers) - len(reused))
        self._written = fresh.stop
        while self._written > len(self.chunks) * self._rows_per_chunk:
            more = bool(self.chunks)  # the next one may well be filled, too
            self.chunks.append(Chunk(self._rows_per_chunk, self._codes_each, large_pages=more))
        rows = sorted(reused) + list(fresh)
        done = 0
        for chunk, inside in self._by_chunk(rows):
            part = slice(done, done := done + len(inside))
            chunk.write(inside, numbers[part], vectors[part])
        return np.array(rows, np.intp)

    def _by_chunk(self, ascending: Sequence[int]) -> Iterator[tuple[Chunk, Rows]]:
        for position, rows in groupby(ascending, lambda row: row // self._rows_per_chunk):
            yield self.chunks[position], np.array([*rows], np.intp) % self._rows_per_chunk


@dataclass(frozen=True, slots=True)
class _Scan:
    """Of one chunk after another, for all probes at once."""

    probes: Sequence[Probe]
    leaders: Sequence[Leaders]
    multiply: Multiply
    rows: int

    def __call__(self, chunk: Chunk, allowed: NDArray[np.bool_] | None) -> None:
        cuts = self._cuts(chunk)
        lowest = cuts.min()
        for start, end in self._blocks(chunk.used):
            products = self.multiply(chunk.codes[start:end])
            if products.max() < lowest:
                continue  # nobody, most often
            hits = np.flatnonzero(products >= cuts)
            reached, probe = np.divmod(hits, len(self.probes))
            there = chunk.numbers[reached + start] != NOBODY
            if allowed is not None:
                there &= allowed[reached + start]
            if there.any():
                reached, probe = reached[there], probe[there]
                found = products[reached, probe]
                self._tell(chunk, chunk.numbers[reached + start], found, probe)
                cuts = self._cuts(chunk)
                lowest = cuts.min()

    def _blocks(self, used: int) -> Iterator[tuple[int, int]]:
        """Where no floor is known yet, the first ones are small: they raise it for the others."""
        start, rows = 0, self.rows
        if any(leader.floor < _LOW for leader in self.leaders):
            rows = min(rows, _FEW_ROWS)
        while start < used:
            yield start, min(start + rows, used)
            start, rows = start + rows, min(2 * rows, self.rows)

    def _cuts(self, chunk: Chunk) -> Products:
        least = [
            probe.least_product(leader.floor, chunk.looseness)
            for probe, leader in zip(self.probes, self.leaders, strict=True)
        ]
        return np.array([min(max(_LEAST, it), -_LEAST - 1) for it in least], np.int32)

    def _tell(
        self, chunk: Chunk, numbers: Numbers, products: Products, probe: NDArray[np.intp]
    ) -> None:
        order = np.argsort(probe, kind="stable")
        ends = np.searchsorted(probe[order], np.arange(len(self.probes) + 1)).tolist()
        for one, (start, end) in enumerate(pairwise(ends)):
            if start < end:
                mine = order[start:end]
                ceilings = self.probes[one].ceilings(products[mine], chunk.looseness)
                self.leaders[one].hear(numbers[mine], ceilings)
