"""The connections that are open: how many may be, and for how long each may keep us waiting.

Whoever does nothing makes room for whoever comes, so that idle connections shut nobody out. When
everybody is at work, a few are let in all the same, to hear how the server is.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

import structlog

from perse.api.http.proxies import is_trusted, party_of
from perse.api.telemetry.metrics import Metrics
from perse.settings import Settings
from perse.settings.http import Network

SPARE = 8
# For the database, files, logs and what a burst of connections holds for a moment.
_OTHER_DESCRIPTORS = 64
_SWEEP_EVERY_S = 0.25
_TELL_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a connection may keep us waiting, in seconds; bytes do not start the time anew.

    ``idle_s`` is longer than the minute for which common proxies keep their side open. A body
    must have come at ``body_bytes_per_s`` on average once it has had ``body_grace_s``. An answer
    of which nothing more is taken for ``unread_s`` is given up, and so is whatever lasts longer
    than ``exchange_s``. A refused client has ``farewell_s`` to hear why. A connection that rests
    when the server ends may ask once more within ``last_call_s``.
    """

    head_s: float = 10.0
    idle_s: float = 75.0
    body_grace_s: float = 10.0
    body_bytes_per_s: int = 1024
    unread_s: float = 30.0
    exchange_s: float = 300.0
    farewell_s: float = 5.0
    last_call_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Room:
    """How many connections may be open, in all and from one peer that is no proxy of ours."""

    in_all: int = 1000
    per_peer: int = 250
    proxies: tuple[Network, ...] = ()

    @classmethod
    def of(cls, settings: Settings) -> Room:
        """What the settings allow, less where this process may open fewer files.

        No peer may have more than half of all.
        """
        free = _descriptors() - _OTHER_DESCRIPTORS - SPARE
        in_all = max(2, min(settings.max_connections, free))
        per_peer = min(settings.max_connections_per_peer, in_all // 2)
        return cls(in_all, per_peer, settings.trusted_proxies)


class Reason(Enum):
    """Why the server ended a connection that its client did not end."""

    FULL = "full"
    PEER_FULL = "peer_full"
    MADE_ROOM = "made_room"
    MALFORMED = "malformed"
    SLOW_HEAD = "slow_head"
    IDLE = "idle"
    SLOW_BODY = "slow_body"
    UNREAD = "unread"
    TOO_LONG = "too_long"


class Place(Enum):
    """What a new connection gets: to be served, to ask how the server is, or to leave again."""

    FREE = "free"
    SPARE = "spare"
    NONE = "none"


class Member(Protocol):
    """A connection, as the crowd sees it."""

    @property
    def peer(self) -> str | None: ...

    @property
    def waiting_since(self) -> float | None:
        """Since when nothing is asked of us, on the loop's clock; None while something is."""
        ...

    def end(self) -> None:
        """Close at once."""
        ...

    def check(self, now: float) -> None:
        """End what has kept us waiting for too long."""
        ...


@dataclass(slots=True)
class Crowd:
    """All connections of one server, used by its event loop alone.

    ``show`` is told how many there are whenever that changes. ``winding_up``: whatever is answered
    from now on is the last answer of its connection.
    """

    room: Room = field(default_factory=Room)
    patience: Patience = field(default_factory=Patience)
    metrics: Metrics = field(default_factory=Metrics)
    show: Callable[[int], object] = lambda _: None
    winding_up: bool = False
    log: Any = field(default_factory=lambda: structlog.get_logger("perse"))
    _members: dict[Member, object] = field(default_factory=dict)
    _by_party: Counter[object] = field(default_factory=Counter)
    _untold: Counter[Reason] = field(default_factory=Counter)
    _told_at: float = -_TELL_EVERY_S

    def __post_init__(self) -> None:
        self.metrics.watch(
            "perse_connections", "Connections open.", lambda: float(len(self._members))
        )

    def admit(self, member: Member) -> Place:
        """Let a new connection in if there is room, or somebody idle to make it."""
        party = party_of(member.peer)
        if not self._has_room(party, member.peer):
            self.refused(Reason.PEER_FULL)
            return Place.NONE
        if len(self._members) >= self.room.in_all:
            self._make_room(self._members)
        others = len(self._members)
        if others >= self.room.in_all + SPARE:
            self.refused(Reason.FULL)
            return Place.NONE
        self._members[member] = party
        self._by_party[party] += 1
        self.show(len(self._members))
        return Place.FREE if others < self.room.in_all else Place.SPARE

    def leave(self, member: Member) -> None:
        """Forget a connection, once or again."""
        if member in self._members:
            party = self._members.pop(member)
            self._by_party[party] -= 1
            if not self._by_party[party]:
                del self._by_party[party]
            self.show(len(self._members))

    def lost_patience(self, reason: Reason) -> None:
        """Count a connection that the server ends."""
        self.metrics.connection_ended(reason.value)

    def refused(self, reason: Reason) -> None:
        """Count a connection that is not served, and say so in the log now and then."""
        self.lost_patience(reason)
        self._untold[reason] += 1
        now = asyncio.get_running_loop().time()
        if now - self._told_at >= _TELL_EVERY_S:
            counts = {reason.value: count for reason, count in self._untold.items()}
            self.log.warning("connections_refused", open=len(self._members), **counts)
            self._untold.clear()
            self._told_at = now

    async def watch(self) -> None:
        """End whoever keeps the server waiting, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_SWEEP_EVERY_S)
            for member in list(self._members):
                member.check(loop.time())

    def _has_room(self, party: object, peer: str | None) -> bool:
        if self._by_party[party] < self.room.per_peer or is_trusted(peer, self.room.proxies):
            return True
        return self._make_room(member for member, of in self._members.items() if of == party)

    def _make_room(self, members: Iterable[Member]) -> bool:
        waiting = [
            (since, member) for member in members if (since := member.waiting_since) is not None
        ]
        if not waiting:
            return False
        _, longest = min(waiting, key=lambda pair: pair[0])
        longest.end()
        self.leave(longest)
        self.lost_patience(Reason.MADE_ROOM)
        return True


def _descriptors() -> int:
    """How many files this process may have open; where that is without end or unknown, many."""
    limit = os.sysconf("SC_OPEN_MAX") if hasattr(os, "sysconf") else -1
    return limit if limit > 0 else sys.maxsize
