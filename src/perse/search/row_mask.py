"""A set of rows of an index, in as little memory as its members need: a collection."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

MOST_ROWS_PER_CHUNK: Final = 1 << 16  # what two bytes tell apart
_BYTES_PER_MEMBER: Final = 2
# Of an entry in the table of chunks, and of what it leads to, beside the members.
_BYTES_PER_CHUNK: Final = 200


class RowMask:
    """Few rows of a chunk are a sorted list of two bytes each; where a bit for each row of the
    chunk takes no more, bits (as in the bitmaps of Chambi, Lemire et al., 2016). A chunk without
    members takes nothing. Nothing is synchronised here."""

    def __init__(self, rows_per_chunk: int) -> None:
        """Of at most ``MOST_ROWS_PER_CHUNK``."""
        self._rows_per_chunk = rows_per_chunk
        self._chunks: dict[int, _Few | _Many] = {}
        self.bytes_held = 0

    def add(self, row: int) -> None:
        """Whether it is there or not."""
        position, inside = divmod(row, self._rows_per_chunk)
        members = self._chunks.get(position)
        before = members.bytes_held if members else 0
        members = members or _Few()
        members.add(inside)
        if isinstance(members, _Few) and 8 * members.bytes_of_members > self._rows_per_chunk:
            members = _Many.of(members, self._rows_per_chunk)
        self._chunks[position] = members
        self.bytes_held += members.bytes_held - before

    def discard(self, row: int) -> None:
        """Whether it is there or not."""
        position, inside = divmod(row, self._rows_per_chunk)
        if members := self._chunks.get(position):
            before = members.bytes_held
            members.discard(inside)
            if not len(members):
                del self._chunks[position]
            self.bytes_held += (members.bytes_held if len(members) else 0) - before

    def __contains__(self, row: int) -> bool:
        position, inside = divmod(row, self._rows_per_chunk)
        members = self._chunks.get(position)
        return members is not None and inside in members

    def of_chunk(self, position: int) -> NDArray[np.bool_] | None:
        """A value for each row, made for this call; None where there is no member."""
        members = self._chunks.get(position)
        return None if members is None else members.unpacked(self._rows_per_chunk)


@dataclass(slots=True)
class _Few:
    """In their order."""

    rows: array[int] = field(default_factory=lambda: array("H"))

    def __len__(self) -> int:
        return len(self.rows)

    def __contains__(self, row: int) -> bool:
        at = bisect_left(self.rows, row)
        return at < len(self.rows) and self.rows[at] == row

    @property
    def bytes_of_members(self) -> int:
        return _BYTES_PER_MEMBER * len(self.rows)

    @property
    def bytes_held(self) -> int:
        return _BYTES_PER_CHUNK + self.bytes_of_members

    def add(self, row: int) -> None:
        if row not in self:
            self.rows.insert(bisect_left(self.rows, row), row)

    def discard(self, row: int) -> None:
        if row in self:
            del self.rows[bisect_left(self.rows, row)]

    def unpacked(self, rows_per_chunk: int) -> NDArray[np.bool_]:
        mask = np.zeros(rows_per_chunk, np.bool_)
        mask[np.frombuffer(self.rows, np.uint16)] = True
        return mask


@dataclass(slots=True)
class _Many:
    """A bit for each row, the lowest first."""

    bits: bytearray
    count: int

    @classmethod
    def of(cls, few: _Few, rows_per_chunk: int) -> _Many:
        bits = np.packbits(few.unpacked(rows_per_chunk), bitorder="little")
        return cls(bytearray(bits.tobytes()), len(few))

    def __len__(self) -> int:
        return self.count

    def __contains__(self, row: int) -> bool:
        return bool(self.bits[row >> 3] & 1 << (row & 7))

    @property
    def bytes_held(self) -> int:
        return _BYTES_PER_CHUNK + len(self.bits)

    def add(self, row: int) -> None:
        self.count += row not in self
        self.bits[row >> 3] |= 1 << (row & 7)

    def discard(self, row: int) -> None:
        self.count -= row in self
        self.bits[row >> 3] &= ~(1 << (row & 7))

    def unpacked(self, rows_per_chunk: int) -> NDArray[np.bool_]:
        bits = np.frombuffer(self.bits, np.uint8)
        return np.unpackbits(bits, count=rows_per_chunk, bitorder="little").view(np.bool_)
