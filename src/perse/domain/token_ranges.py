"""Parts of all user tokens, for machines that hold a part each.

Tokens are random (UUIDs of version 4), so they are their own hashes: equal ranges of them hold
about as many subjects each, whoever they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from perse.domain.references import UserToken

_DIGITS: Final = 8  # of a token's first group, all of them random
_ALL: Final = 16**_DIGITS


@dataclass(frozen=True, slots=True)
class TokenRange:
    """The part ``position``, from 0 on, of ``parts`` equal ones: every token is in exactly one.
    Raises ValueError for a part that there is not."""

    position: int
    parts: int

    def __post_init__(self) -> None:
        if not 0 <= self.position < self.parts:
            raise ValueError(f"there is no part {self.position} of {self.parts}")

    @property
    def first(self) -> str:
        """No token of this part is below, as text."""
        return f"{self._bound(self.position):0{_DIGITS}x}"

    @property
    def end(self) -> str | None:
        """No token of this part reaches it; None where nothing comes behind."""
        last = self.position + 1 == self.parts
        return None if last else f"{self._bound(self.position + 1):0{_DIGITS}x}"

    def __contains__(self, user_token: UserToken) -> bool:
        number = int(user_token[:_DIGITS], 16)
        return self._bound(self.position) <= number < self._bound(self.position + 1)

    def _bound(self, position: int) -> int:
        return -(-_ALL * position // self.parts)
