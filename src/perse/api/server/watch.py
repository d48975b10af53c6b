"""A parent of processes that all do the same: it starts them, replaces those that end, and ends
them in good order. It needs the standard library alone, and so stays small."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn, Protocol

READY: Final = b"+"
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
_TICK_S: Final = 1.0
_STEADY_S: Final = 60.0
_LONGEST_DELAY_S: Final = 30.0
# For how long a child may finish what it has begun; longer than a server allows itself.
_PATIENCE_S: Final = 60.0
_ADVICE: Final = "see that there is memory for all of them, or set PERSE_PROCESSES lower"


@dataclass(eq=False, slots=True)
class _Child:
    """``heir_of``: whose place it is to take once it is ready."""

    pid: int
    channel: socket.socket
    heir_of: _Child | None
    ready_at: float | None = None
    told_to_end_at: float | None = None

    @property
    def stays(self) -> bool:
        return self.told_to_end_at is None


class Tell(Protocol):
    """Write a line into the log."""

    def __call__(self, event: str, **facts: object) -> object: ...


class Watch:
    """Keeps ``count`` children alive until SIGTERM or SIGINT, or until ``above`` is closed.

    ``be`` is what a child is: it gets a channel, sends READY through it when it serves, and ends
    when it is closed. A child that ends by itself is replaced at once, and later after a growing
    delay if they end again and again. When one ends before it served, and none serves, ``run``
    ends. With ``renews``, SIGHUP has a new child start for each, and end it once it is ready; when
    whoever started it is gone (``abandoned``), SIGHUP is the end.
    """

    def __init__(
        self,
        count: int,
        be: Callable[[socket.socket], None],
        *,
        listeners: Sequence[socket.socket],
        on_ready: Callable[[], object],
        tell: Tell,
        above: socket.socket | None = None,
        renews: bool = False,
        abandoned: Callable[[], bool] = lambda: False,
    ) -> None:
        """``listeners`` are closed when the end begins."""
        self._count, self._be, self._on_ready, self._tell = count, be, on_ready, tell
        self._listeners, self._above, self._renews = listeners, above, renews
        self._abandoned = abandoned
        self._children: list[_Child] = []
        self._outdated: list[_Child] = []
        self._announced = self._ending = False
        self._failures, self._not_before, self._status = 0, 0.0, 0
        self._selector = selectors.DefaultSelector()
        self._signals, self._wakeup = socket.socketpair()

    def run(self) -> int:
        """Exit status: 0 after a signal, that of the child that could not start otherwise."""
        self._hear_signals()
        while not self._ending or self._children:
            self._start_missing()
            self._listen()
            self._bury()
            self._kill_overdue()
        return self._status

    def _hear_signals(self) -> None:
        for end in (self._signals, self._wakeup):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wakeup.fileno(), warn_on_full_buffer=False)
        for number in _SIGNALS:
            signal.signal(number, lambda *_: None)
        for heard in (self._signals, *([self._above] if self._above else [])):
            self._selector.register(heard, selectors.EVENT_READ)

    def _start_missing(self) -> None:
        staying = [child for child in self._children if child.stays]
        heirs = sum(child.heir_of in staying for child in staying)
        leaving = len(self._children) - len(staying)
        if self._ending or time.monotonic() < self._not_before:
            return
        if len(staying) - heirs < self._count:
            self._start(None)
            self._start_missing()
        elif self._outdated and not heirs and not leaving and self._start(self._outdated[0]):
            self._outdated.pop(0)

    def _start(self, heir_of: _Child | None) -> bool:
        """Whether there is such a child now."""
        ours, theirs = socket.socketpair()
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # each is for one of both
        pid = self._forked()
        if pid == 0:
            ours.close()
            self._become(theirs)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        theirs.close()
        if pid is None:
            ours.close()
            return False
        self._selector.register(ours, selectors.EVENT_READ)
        self._children.append(_Child(pid, ours, heir_of))
        return True

    def _forked(self) -> int | None:
        try:
            return os.fork()
        except OSError as error:  # too many processes, or no memory
            self._tell("process_not_started", message=error.strerror)
            self._wait(None)
            return None

    def _become(self, channel: socket.socket) -> NoReturn:
        """In the child: nothing of the parent's is left open, and SIGHUP is the parent's."""
        signal.set_wakeup_fd(-1)
        for number in _SIGNALS:
            renewing = number == signal.SIGHUP
            signal.signal(number, signal.SIG_IGN if renewing else signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        others = [self._above, *(child.channel for child in self._children)]
        for end in (self._signals, self._wakeup, *filter(None, others)):
            end.close()
        self._selector.close()
        self._be(channel)
        sys.exit(0)

    def _listen(self) -> None:
        for key, _ in self._selector.select(_TICK_S):
            if key.fileobj is self._signals:
                self._obey(self._signals.recv(1024))
            elif key.fileobj is self._above:
                self._selector.unregister(key.fileobj)
                self._end()
                self._leave_alone()
            else:
                for child in (c for c in self._children if c.channel is key.fileobj):
                    self._hear(child)

    def _obey(self, numbers: bytes) -> None:
        gone = signal.SIGHUP in numbers and self._abandoned()
        if signal.SIGTERM in numbers or signal.SIGINT in numbers or gone:
            self._end()
        elif signal.SIGHUP in numbers and self._renews:
            self._outdated = [child for child in self._children if child.stays]

    def _hear(self, child: _Child) -> None:
        if child.channel.fileno() < 0:
            return  # closed by what was heard a moment before
        if child.channel.recv(1) != READY:
            self._selector.unregister(child.channel)  # it ends
            return
        child.ready_at = time.monotonic()
        if child.heir_of in self._children and child.stays:
            self._tell_to_end(child.heir_of)
        ready = sum(1 for c in self._children if c.stays and c.ready_at is not None)
        if not self._announced and ready == self._count:
            self._announced = True
            self._on_ready()

    def _end(self) -> None:
        self._ending = True
        for listener in self._listeners:
            listener.close()
        for child in self._children:
            self._tell_to_end(child)
        if self._above is None:
            self._leave_alone()

    def _leave_alone(self) -> None:
        """Let all know that they are not exchanged, but that everything ends."""
        for child in self._children:
            self._hang_up(child)

    def _hang_up(self, child: _Child) -> None:
        if child.channel.fileno() >= 0:
            if child.channel in self._selector.get_map():
                self._selector.unregister(child.channel)
            child.channel.close()

    def _tell_to_end(self, child: _Child | None) -> None:
        if child is not None and child.stays:
            child.told_to_end_at = time.monotonic()
            os.kill(child.pid, signal.SIGTERM)

    def _kill_overdue(self) -> None:
        since = time.monotonic() - _PATIENCE_S
        for child in self._children:
            if child.told_to_end_at is not None and child.told_to_end_at < since:
                os.kill(child.pid, signal.SIGKILL)

    def _bury(self) -> None:
        for child in list(self._children):
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if pid:
                self._children.remove(child)
                self._outdated = [other for other in self._outdated if other is not child]
                self._hang_up(child)
                if child.stays:
                    self._lost(child, os.waitstatus_to_exitcode(status))

    def _lost(self, child: _Child, status: int) -> None:
        serving = [c for c in self._children if c.stays and c.ready_at is not None]
        if child.ready_at is None and not serving:
            self._give_up(status)
            return
        self._tell("process_ended", pid=child.pid, status=status, served=child.ready_at is not None)
        if child.heir_of in serving:
            self._outdated.clear()
            self._tell("renewal_given_up", pid=child.pid)
            return
        self._wait(child.ready_at)

    def _wait(self, served_since: float | None) -> None:
        """Before the next start; the longer, the more often it failed lately."""
        now = time.monotonic()
        if now - (served_since or now) > _STEADY_S:
            self._failures = 0
        delay_s = min(_LONGEST_DELAY_S, 2.0 ** (self._failures - 1)) if self._failures else 0.0
        self._failures, self._not_before = self._failures + 1, now + delay_s

    def _give_up(self, status: int) -> None:
        """A child that ends with a status has said why."""
        if status < 0:
            name = signal.Signals(-status).name
            sys.stderr.write(f"perse: a process was ended by {name} before it served: {_ADVICE}\n")
        self._status = status if status > 0 else 1
        self._end()
