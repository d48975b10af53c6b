"""What is left of people's pictures in this process's memory, and who else may look at it."""

from __future__ import annotations

import ctypes
import resource
from collections.abc import Callable

# <malloc.h>: freed memory is filled with this byte, fresh memory with its complement, which is 0.
_M_PERTURB = -6
_FREED_BYTE = 0xFF
# A fresh page costs the system more than what is computed in it: the pixels and tensors of an
# ordinary request (2.8 megapixels) take the place of the last one's, from arenas that all threads
# share. What is larger comes from the system and goes back to it when it is freed. Left alone,
# glibc would keep up to 32 MB a piece, in an arena for every thread.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_LARGE_BYTES = 8 * 1024 * 1024
_KEPT_BYTES = 2 * _LARGE_BYTES
_ARENAS = 2
# <linux/prctl.h>
_PR_SET_DUMPABLE = 4


def keep_memory_private() -> None:
    """Called once, when a server starts: nothing of a body outlives its request, as far as that
    can be had, and no crash writes memory to a disk."""
    overwrite_freed_memory()
    keep_what_is_used_again()
    refuse_core_dumps()


def overwrite_freed_memory() -> bool:
    """Have the C library overwrite what is freed: bodies, pixels, samples, templates, and every
    copy that a parser or decoder made of them. False where it cannot (only glibc can).

    Pieces under 1 KB may stay until their place is used again: Python and glibc keep those aside.
    """
    mallopt = _c_function("mallopt")
    return mallopt is not None and mallopt(_M_PERTURB, _FREED_BYTE) == 1


def keep_what_is_used_again() -> bool:
    """Have the C library hand a large piece back to the system as soon as it is freed, and keep a
    little of the others for the next request. Threads that there are keep their arenas. False where
    it cannot (only glibc can)."""
    mallopt = _c_function("mallopt")
    choices = {
        _M_ARENA_MAX: _ARENAS,
        _M_MMAP_THRESHOLD: _LARGE_BYTES,
        _M_TRIM_THRESHOLD: _KEPT_BYTES,
    }
    return mallopt is not None and all(mallopt(*choice) == 1 for choice in choices.items())


def give_back_freed_memory() -> None:
    """Hand what is free to the system (glibc): a start, or a flood of large bodies, used memory
    that serving does not need."""
    trim = _c_function("malloc_trim")
    if trim is not None:
        trim(0)


def refuse_core_dumps() -> None:
    """No core file, no core handed to a collector, and on Linux no debugger of the same user."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    prctl = _c_function("prctl")
    if prctl is not None:
        prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _c_function(name: str) -> Callable[..., int] | None:
    """None where this system's C library has none of that name."""
    return getattr(ctypes.CDLL(None), name, None)
