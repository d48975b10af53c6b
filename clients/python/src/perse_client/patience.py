"""How often a call is tried, and how long the client waits in between."""

from __future__ import annotations

from dataclasses import dataclass

from perse_client.errors import PerseError, RateLimited, TryLater


@dataclass(frozen=True, kw_only=True)
class Patience:
    """``tries``: of one call, at most. The client waits as long as ``Retry-After`` says; where the
    server does not say, ``first_wait_s``, and twice as long each further time. It gives up where
    that would be longer than ``longest_wait_s``."""

    tries: int = 3
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0

    def __post_init__(self) -> None:
        if self.tries < 1 or self.first_wait_s < 0 or self.longest_wait_s < 0:
            raise ValueError("tries is 1 or more, and waits are not negative")

    def wait_s(self, failure: PerseError, tried: int, *, repeatable: bool) -> float | None:
        """Seconds until the next try of what failed for the ``tried``-th time; None = give up.

        A call over the rate limit was not begun, and so can be made again, whatever it does.
        """
        may = isinstance(failure, RateLimited) or (repeatable and isinstance(failure, TryLater))
        if not may or tried >= self.tries:
            return None
        asked = failure.retry_after_s if isinstance(failure, TryLater) else None
        wait_s: float = self.first_wait_s * 2 ** (tried - 1) if asked is None else asked
        return wait_s if wait_s <= self.longest_wait_s else None
