"""Who is in an index, in little memory: user tokens and the small numbers that stand for them.

A hash table of open addressing (Knuth, The Art of Computer Programming 3, 6.4, algorithms L and R):
16 bytes a token and six of table, where a dictionary of strings takes two hundred. Tokens are
random, so that they are their own hashes.
"""

from __future__ import annotations

from array import array
from typing import Final

import numpy as np

from perse.domain.references import UserToken

_BYTES: Final = 16
_NOBODY: Final = -1
_LEAST_PLACES: Final = 64
# Of the places of the table, when it has been made and when it is made anew.
_FULL_AT_FIRST: Final = 0.55
_FULL: Final = 0.75


class Roll:
    """Numbers from 0 on; those of who is gone are given again first. Nothing is synchronised."""

    def __init__(self, expected: int = 0) -> None:
        """``expected``: about how many there will be, so that the table need not grow."""
        self._tokens = bytearray()
        self._free: list[int] = []
        self._table = _empty_table(expected)

    def __len__(self) -> int:
        return self.numbers - len(self._free)

    @property
    def numbers(self) -> int:
        """All numbers that were ever given are below."""
        return len(self._tokens) // _BYTES

    @property
    def bytes_held(self) -> int:
        return len(self._tokens) + self._table.itemsize * len(self._table)

    def find(self, user_token: UserToken) -> int | None:
        return self._found(_packed(user_token))[1]

    def add(self, user_token: UserToken) -> int:
        """The number of somebody who has none yet."""
        packed = _packed(user_token)
        if len(self) + 1 > _FULL * len(self._table):
            self._grow()
        if self._free:
            number = self._free.pop()
            self._tokens[number * _BYTES : (number + 1) * _BYTES] = packed
        else:
            number = self.numbers
            self._tokens += packed
        place = _home(packed) % len(self._table)
        while self._table[place] != _NOBODY:
            place = (place + 1) % len(self._table)
        self._table[place] = number
        return number

    def remove(self, user_token: UserToken) -> None:
        """Somebody who has a number."""
        place, number = self._found(_packed(user_token))
        if number is None:
            raise KeyError(user_token)
        self._vacate(place)
        self._tokens[number * _BYTES : (number + 1) * _BYTES] = bytes(_BYTES)
        self._free.append(number)

    def token(self, number: int) -> UserToken:
        """Of a number that somebody has."""
        text = self._packed_at(number).hex()
        parts = text[:8], text[8:12], text[12:16], text[16:20], text[20:]
        return UserToken("-".join(parts))

    def _found(self, packed: bytes) -> tuple[int, int | None]:
        """Place in the table, and number."""
        place = _home(packed) % len(self._table)
        while (number := self._table[place]) != _NOBODY:
            if self._packed_at(number) == packed:
                return place, number
            place = (place + 1) % len(self._table)
        return place, None

    def _vacate(self, hole: int) -> None:
        """Move up whoever would not be found behind the hole."""
        places, place = len(self._table), hole
        while True:
            place = (place + 1) % places
            number = self._table[place]
            if number == _NOBODY:
                break
            home = _home(self._packed_at(number)) % places
            if (place - home) % places >= (place - hole) % places:
                self._table[hole], hole = number, place
        self._table[hole] = _NOBODY

    def _grow(self) -> None:
        """All at once: one by one they would keep searches waiting for seconds."""
        table = np.frombuffer(_empty_table(int(1.2 * len(self))), np.intc)
        halves = np.frombuffer(bytes(self._tokens), ">u8")[::2]
        homes = (halves % np.uint64(len(table))).astype(np.intp)
        left = np.setdiff1d(np.arange(self.numbers), self._free)
        places = homes[left]
        while len(left):
            free = table[places] == _NOBODY
            table[places[free]] = left[free]  # of several for one place, the last one gets it
            waiting = table[places] != left
            left, places = left[waiting], (places[waiting] + 1) % len(table)
        self._table = array("i", table.tobytes())

    def _packed_at(self, number: int) -> bytes:
        return bytes(self._tokens[number * _BYTES : (number + 1) * _BYTES])


def _empty_table(expected: int) -> array[int]:
    return array("i", [_NOBODY]) * max(_LEAST_PLACES, int(expected / _FULL_AT_FIRST))


def _packed(user_token: UserToken) -> bytes:
    return bytes.fromhex(user_token.replace("-", ""))


def _home(packed: bytes) -> int:
    return int.from_bytes(packed[:8], "big")
