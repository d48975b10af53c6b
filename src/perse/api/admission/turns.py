"""Whose work is next: an order that is fair between parties, however much one of them asks for.

Start-time fair queueing (Goyal, Vin and Cheng, 1996): each party has a queue and a mark of how
much it has been served; the party with the lowest mark is next, and its mark rises by what its
piece costs. Whoever comes back from a rest begins at the mark of the piece that was started last:
rest earns nothing, and a newcomer stands behind nobody's queue. docs/decisions/0011 says why.

Nothing here knows threads, clocks or requests: the same calls always give the same order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from operator import attrgetter
from typing import Generic, TypeVar

from perse.api.admission.pace import Pace
from perse.api.admission.presence import Presence


@dataclass(slots=True, eq=False)
class Piece:
    """A piece of a party's work.

    ``cost_s``: seconds that it is expected to hold a place. ``bulk``: how much it needs, while it
    runs, of something that all share, such as memory; 0 for a piece that needs next to none.
    ``first``: it waits before its party's others that are not.
    """

    party: str
    cost_s: float
    bulk: int = 0
    first: bool = False


AnyPiece = TypeVar("AnyPiece", bound=Piece)
_is_first = attrgetter("first")


@dataclass(slots=True)
class _Party(Generic[AnyPiece]):
    mark_s: float = 0.0
    waiting: deque[AnyPiece] = field(default_factory=deque)
    running: int = 0

    @property
    def resting(self) -> bool:
        return not self.waiting and not self.running


@dataclass(frozen=True, slots=True)
class Room:
    """``places``: pieces that run at the same time. ``spare``: further places, for short pieces of
    a party that has none running, so that nobody waits for another party's long piece to end.
    ``waiting``: pieces that may wait. ``bulk``: what all running pieces may need together; one
    that needs more runs while no other bulky one does. ``short_s``: the cost up to which a piece
    without bulk is short. ``about_s``: for how long a party is about after its last piece came:
    while another is, one leaves a place free whose pieces are longer than ``short_s``, or not
    known to be shorter yet."""

    places: int
    waiting: int
    spare: int = 1
    bulk: int = 0
    short_s: float = 0.2
    about_s: float = 0.0


class Turns(Generic[AnyPiece]):
    """Pieces enter, are started by ``next``, and finish; or wait until they are withdrawn."""

    def __init__(self, room: Room, *, clock: Callable[[], float] = lambda: 0.0) -> None:
        """``clock``: in seconds, for who is about."""
        self.room = room
        self._clock = clock
        self._presence = Presence(room.about_s)
        self._pace = Pace(room.short_s)
        self._parties: dict[str, _Party[AnyPiece]] = {}
        self._clock_s = 0.0
        self._bulk = 0
        self._long = 0
        self.running = 0
        self.waiting = 0

    @property
    def parties_waiting(self) -> int:
        return sum(1 for party in self._parties.values() if party.waiting)

    def enter(self, piece: AnyPiece) -> None:
        """Let ``piece`` wait among its party's others; ask ``next`` and ``overflow`` then."""
        self._presence.note(piece.party, at=self._clock())
        party = self._parties.setdefault(piece.party, _Party())
        if not party.waiting:
            party.mark_s = max(party.mark_s, self._clock_s)
        if piece.first:
            party.waiting.insert(sum(1 for _ in takewhile(_is_first, party.waiting)), piece)
        else:
            party.waiting.append(piece)
        self.waiting += 1

    def next(self) -> AnyPiece | None:
        """The piece that is to be started now; None while nothing may."""
        bulky_waits = False
        for party in self._in_turn():
            piece = party.waiting[0]
            if piece.bulk and (bulky_waits or not self._fits(piece)):
                bulky_waits = True  # smaller ones that came later may not pass it for ever
            elif self._has_place(party, piece):
                return self._start(party)
        return None

    def overflow(self, latest: AnyPiece) -> AnyPiece | None:
        """The piece to be refused now that ``latest`` entered, taken out; None when all may wait.

        It is the newest of the longest queue, and ``latest`` where that is one of the longest.
        """
        if self.waiting <= self.room.waiting:
            return None
        own = self._parties[latest.party]
        longest = max(self._parties.values(), key=lambda party: len(party.waiting))
        party = own if len(own.waiting) >= len(longest.waiting) else longest
        self.waiting -= 1
        return party.waiting.pop()

    def is_full_for(self, name: str) -> bool:
        """Whether one more short piece of that party would be refused."""
        if self.waiting < self.room.waiting:
            return False
        own = self._parties.get(name, _Party[AnyPiece]())
        if self._has_place(own, Piece(name, 0.0)):
            return False
        others = (party for party in self._parties.values() if party is not own)
        return len(own.waiting) + 1 >= max((len(other.waiting) for other in others), default=0)

    def withdraw(self, piece: AnyPiece) -> None:
        """Take out a piece that still waits."""
        party = self._parties.get(piece.party)
        if party is None or piece not in party.waiting:
            return
        party.waiting.remove(piece)
        self.waiting -= 1
        self._forget_the_resting(piece.party, party)

    def finish(self, piece: AnyPiece, took_s: float) -> None:
        """A started piece has ended: its party is charged what it took, not what was expected."""
        party = self._parties[piece.party]
        party.mark_s += took_s - piece.cost_s
        self._pace.note(piece.party, took_s=took_s)
        party.running -= 1
        self.running -= 1
        self._bulk -= piece.bulk
        self._long -= not self._looks_short(piece)
        self._forget_the_resting(piece.party, party)

    def borrow(self, piece: AnyPiece) -> bool:
        """Take an idle place for a part of a running piece; give it back with ``give_back``.

        For a part of a short one that may be a spare place, while a long one holds another.
        """
        beside_long = self._long > 0 and self._looks_short(piece)
        places = self.room.places + self.room.spare if beside_long else self._places_for(piece)
        if self.running >= places:
            return False
        self.running += 1
        return True

    def give_back(self) -> None:
        self.running -= 1

    def _in_turn(self) -> Iterator[_Party[AnyPiece]]:
        waiting = [party for party in self._parties.values() if party.waiting]
        return iter(sorted(waiting, key=lambda party: party.mark_s))

    def _has_place(self, party: _Party[AnyPiece], piece: Piece) -> bool:
        if self.running < self._places_for(piece) or (not party.running and self._has_idle_place):
            return True
        short = not piece.bulk and self._looks_short(piece)
        return self.running < self.room.places + self.room.spare and short and not party.running

    @property
    def _has_idle_place(self) -> bool:
        return self.running < self.room.places

    def _places_for(self, piece: Piece) -> int:
        """All of them; one fewer for what is not known to be quick while others are about. A party
        that runs nothing may have any."""
        if self._looks_short(piece) and self._pace.is_quick(piece.party):
            return self.room.places
        others = self._presence.others_than(piece.party, at=self._clock())
        return self.room.places - others

    def _looks_short(self, piece: Piece) -> bool:
        return piece.cost_s <= self.room.short_s

    def _fits(self, piece: AnyPiece) -> bool:
        return not self._bulk or self._bulk + piece.bulk <= self.room.bulk

    def _start(self, party: _Party[AnyPiece]) -> AnyPiece:
        piece = party.waiting.popleft()
        self._clock_s = max(self._clock_s, party.mark_s)
        party.mark_s += piece.cost_s
        party.running += 1
        self.waiting -= 1
        self.running += 1
        self._bulk += piece.bulk
        self._long += not self._looks_short(piece)
        return piece

    def _forget_the_resting(self, name: str, party: _Party[AnyPiece]) -> None:
        """A debt is kept while others work, and forgotten when nobody does."""
        if not self.running and not self.waiting:
            self._parties.clear()
            self._clock_s = 0.0
        elif party.resting and party.mark_s <= self._clock_s:
            self._parties.pop(name, None)
