"""How many may talk to the server at a time: in all, and of one party."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from perse.errors import Overloaded, RateLimited


class Seats:
    """Places for conversations, which last long and so are few. Used on the event loop only."""

    def __init__(
        self, in_all: int, per_party: int, *, refused: Callable[[str], None] = lambda _: None
    ) -> None:
        """``refused`` is told the cause of each refusal: ``full`` or ``party_full``."""
        self._in_all, self._per_party, self._refused = in_all, per_party, refused
        self._taken_by: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        return self._taken_by.total()

    def refuse_when_full(self) -> None:
        """Raise Overloaded when nobody could take one. Asked before it is known who comes."""
        if self.taken >= self._in_all:
            self._refused("full")
            raise Overloaded("too many conversations are open: try again in a moment")

    @contextmanager
    def taken_for(self, party: str) -> Iterator[None]:
        """One of them, until the block ends. Raises Overloaded, or RateLimited where the party has
        as many as it may."""
        self.refuse_when_full()
        if self._taken_by[party] >= self._per_party:
            self._refused("party_full")
            raise RateLimited("as many conversations of yours are open as may be: end one of them")
        self._taken_by[party] += 1
        try:
            yield
        finally:
            self._taken_by[party] -= 1
            if not self._taken_by[party]:
                del self._taken_by[party]
