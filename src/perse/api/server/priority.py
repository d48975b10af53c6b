"""Who is served first where threads want the same core."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress

# A third of the weight of a thread that has not stepped back.
STEPS = 5
# A third of that again, for work that keeps a core for long.
FURTHER_STEPS = 2 * STEPS


def step_back(steps: int = STEPS) -> None:
    """Let this thread compute behind those that answer: while others of the machine want its core,
    too, it gets a third of what each of them does for every five steps, and all of what nobody
    wants.

    Threads that it starts inherit that. Where the system has no priorities of threads (they are
    Linux's own) or refuses, nothing happens.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            # The main thread's: this one may have been started by one that has stepped back.
            usual = os.getpriority(os.PRIO_PROCESS, os.getpid())
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), usual + steps)
