"""How many bytes of requests are held, shared between tenants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from perse.errors import Overloaded


class ByteBudget:
    """A tenant may hold as much as it leaves free: one alone half of ``capacity``, two a third
    each, and there is always something left for one more. Used on the event loop only.
    """

    def __init__(self, capacity: int, *, refused: Callable[[str], None] = lambda _: None) -> None:
        """``refused`` is told the cause of each refusal: ``bytes``."""
        self._capacity = capacity
        self._refused = refused
        self._held_by: Counter[str] = Counter()
        self.held = 0

    @contextmanager
    def holding(self, tenant: str) -> Iterator[Holding]:
        """What one request holds; all of it is given back when the block ends, however it does."""
        holding = Holding(self, tenant)
        try:
            yield holding
        finally:
            holding.let_go()

    def take(self, tenant: str, size: int) -> None:
        """Raises Overloaded when the tenant would hold more than it leaves free."""
        if self._held_by[tenant] + size > self._capacity - self.held - size:
            self._refused("bytes")
            raise Overloaded("too many bytes are on their way at the moment: try again shortly")
        self._change(tenant, size)

    def give_back(self, tenant: str, size: int) -> None:
        """What was taken before."""
        self._change(tenant, -size)

    def _change(self, tenant: str, size: int) -> None:
        self.held += size
        self._held_by[tenant] += size
        if not self._held_by[tenant]:
            del self._held_by[tenant]


@dataclass(slots=True)
class Holding:
    """The bytes of one request."""

    budget: ByteBudget
    tenant: str
    size: int = 0

    def grow_to(self, size: int) -> None:
        """Hold at least ``size`` bytes. Raises Overloaded and holds what it held then."""
        if size > self.size:
            self.budget.take(self.tenant, size - self.size)
            self.size = size

    def let_go(self) -> None:
        """Hold nothing any more."""
        self.budget.give_back(self.tenant, self.size)
        self.size = 0
