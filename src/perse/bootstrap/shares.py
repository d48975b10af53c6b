"""How many processes serve, and what each of them gets of what is set for the whole server.

The limits divided here are those that a process keeps in its own memory; the others (calls of a
key, failed comparisons, requests that come twice) are kept in the database, by all together.
"""

from __future__ import annotations

import os
import sys
from math import ceil, inf
from pathlib import Path

from perse.settings import Settings

_CORES_A_PROCESS = 4
_LEAST_BODY_BYTES = 1_000_000
_LEAST_CONNECTIONS = 2
# What a container may use: of control groups version 2.
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def usable_cores() -> int:
    """Cores that this process may run on, or as many as its quota is worth; at least one."""
    if hasattr(os, "sched_getaffinity"):
        there = len(os.sched_getaffinity(0))
    else:
        there = os.cpu_count() or 1
    quota = cores_worth(_QUOTA.read_text()) if _QUOTA.is_file() else inf
    return int(max(1, min(there, quota)))


def cores_worth(quota: str) -> float:
    """Whole cores of ``quota``, as in cpu.max: microseconds in so many, or ``max`` for no end."""
    allowed, _, period = quota.partition(" ")
    if not (allowed.isdecimal() and period.strip().isdecimal() and int(period)):
        return inf
    return ceil(int(allowed) / int(period))


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
