"""How many processes serve, and what each of them gets of what is set for the whole server.

The limits divided here are those that a process keeps in its own memory; the others (calls of a
key, failed comparisons, requests that come twice) are kept in the database, by all together.
"""

from __future__ import annotations

import os
import sys
from math import ceil

from perse.settings import Settings

_CORES_A_PROCESS = 4
_LEAST_BODY_BYTES = 1_000_000
_LEAST_CONNECTIONS = 2


def usable_cores() -> int:
    """Cores that this process may run on, at least one."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processes_of(settings: Settings) -> int:
    """How many processes are to serve."""
    if settings.processes == "auto":
        return max(1, usable_cores() // _CORES_A_PROCESS)
    return settings.processes


def may_fork(settings: Settings) -> bool:
    """Whether processes may be forked from one that has opened the networks, and share them.

    Threads do not survive a fork, and ONNX Runtime has some where a run uses several; on macOS the
    system's own libraries have, too.
    """
    return sys.platform == "linux" and settings.threads_per_network == 1


def share_of(settings: Settings, processes: int) -> Settings:
    """What one of so many processes works with. Nothing falls to zero that was more."""
    if processes == 1:
        return settings
    given = settings.workers
    return settings.model_copy(
        update={
            "workers": max(1, given // processes) if given else ceil(usable_cores() / processes),
            "queue_size": max(min(1, settings.queue_size), settings.queue_size // processes),
            "body_memory_bytes": max(_LEAST_BODY_BYTES, settings.body_memory_bytes // processes),
            "max_connections": max(_LEAST_CONNECTIONS, settings.max_connections // processes),
            "max_connections_per_peer": max(1, settings.max_connections_per_peer // processes),
        }
    )
