"""What each of several processes shows the others, in memory that they share.

Every process has a slot, which it finds by itself: a lock that the system takes away when its
holder ends, however it ends, says which are free. What the holder before wrote stays until then,
so that nothing which was counted is lost with who counted it.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import tempfile
import zlib
from collections.abc import Iterator
from itertools import takewhile
from typing import Final

SLOTS: Final = 192  # for as many processes as may be set, twice while they are exchanged
_SLOT_BYTES: Final = 1024 * 1024  # untouched, it is no memory
_HEAD_BYTES: Final = 64
_HALF_BYTES: Final = (_SLOT_BYTES - _HEAD_BYTES) // 2
_WORD: Final = 8
# Words of a slot's head: whether it was ever held, how often its holders posted, connections, and
# for each half the length of what it holds, and its checksum.
_USED, _POSTED, _CONNECTIONS, _HALVES = 0, 1, 2, 3
_TRIES: Final = 100


def new_board() -> int:
    """Memory for a board, as an open file that no folder has. Whoever inherits it may share it."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("perse-board")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, SLOTS * _SLOT_BYTES)
    return descriptor


class Board:
    """One process's view of the board. ``before``: what the last holder of its slot had posted.

    Made after a fork, never before: locks are a process's own, and its file stays open with it.
    """

    def __init__(self, descriptor: int) -> None:
        """Takes the first slot that nobody holds. Raises OSError when all are held."""
        self._descriptor = descriptor
        self._memory = mmap.mmap(descriptor, SLOTS * _SLOT_BYTES)
        self._words = memoryview(self._memory).cast("Q")
        self._slot = next((slot for slot in range(SLOTS) if self._hold(slot)), -1)
        if self._slot < 0:
            raise OSError("every slot of the board is held by a process")
        self._set(self._slot, _USED, 1)
        self.show_connections(None)
        self.before = self._read(self._slot)

    def post(self, content: bytes) -> None:
        """Put ``content`` in the place of what this process posted before. Raises ValueError for
        more than half a slot."""
        if len(content) > _HALF_BYTES:
            raise ValueError(f"{len(content)} bytes are more than a slot takes")
        posted = self._word(self._slot, _POSTED) + 1
        start = self._start_of(self._slot, posted)
        self._memory[start : start + len(content)] = content
        self._set(self._slot, _HALVES + posted % 2, _seal(content))
        self._set(self._slot, _POSTED, posted)

    def others(self) -> Iterator[tuple[bytes, bool]]:
        """What every other slot holds, and whether its process is still there."""
        for slot in self._used():
            if slot != self._slot:
                yield self._read(slot), not self._is_free(slot)

    def show_connections(self, count: int | None) -> None:
        """How many connections this process holds; None while it takes none."""
        self._set(self._slot, _CONNECTIONS, 0 if count is None else count + 1)

    def another_is_freer(self) -> bool:
        """Whether a process that takes connections holds fewer of them."""
        own = self._word(self._slot, _CONNECTIONS)
        return any(
            # What a killed process held last stays there.
            0 < self._word(slot, _CONNECTIONS) < own and not self._is_free(slot)
            for slot in self._used()
        )

    def _used(self) -> Iterator[int]:
        """Slots are taken from the first on."""
        return takewhile(lambda slot: self._word(slot, _USED), range(SLOTS))

    def _read(self, slot: int) -> bytes:
        """Its writer fills one half while the other is read; who is overtaken reads again."""
        for _ in range(_TRIES):
            posted = self._word(slot, _POSTED)
            seal, start = self._word(slot, _HALVES + posted % 2), self._start_of(slot, posted)
            content = self._memory[start : start + (seal >> 32)]
            if seal == _seal(content):
                return content
        return b""

    def _hold(self, slot: int) -> bool:
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, slot)
        except OSError:
            return False
        return True

    def _is_free(self, slot: int) -> bool:
        if not self._hold(slot):
            return False
        fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, slot)
        return True

    def _start_of(self, slot: int, posted: int) -> int:
        return slot * _SLOT_BYTES + _HEAD_BYTES + posted % 2 * _HALF_BYTES

    def _word(self, slot: int, word: int) -> int:
        return self._words[slot * _SLOT_BYTES // _WORD + word]

    def _set(self, slot: int, word: int, value: int) -> None:
        self._words[slot * _SLOT_BYTES // _WORD + word] = value


def _seal(content: bytes) -> int:
    return len(content) << 32 | zlib.crc32(content)
