"""Work that is done again and again while a process runs."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from perse.errors import PerseError


class Chore:
    """One thread that calls ``work`` at once and then every ``every_s`` seconds until closed.

    An error is logged and the next turn tries again.
    """

    def __init__(self, work: Callable[[], object], *, every_s: float, name: str) -> None:
        self._work = work
        self._every_s = every_s
        self._name = name
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let the current turn finish, then stop."""
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self._work()
            except PerseError as error:
                structlog.get_logger("perse").warning(
                    "repeated work failed", work=self._name, code=error.code, message=error.message
                )
            self._closed.wait(self._every_s)
