"""What a tenant was told, and what therefore must be."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

_MOST_SHOWN = 3


@dataclass
class Book:
    """Written by the one thread that changes a tenant's people, read by all.

    ``kept``: acknowledged and not deleted, with the name of their picture; ``gone``: acknowledged
    as deleted, of whose deletion ``receipts`` has what proves it. ``wrong``: what must not be.
    """

    kept: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    receipts: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def made(self, token: str, picture: str) -> None:
        self.expect_none("new users have tokens of deleted ones", self.gone & {token})
        self.kept[token] = picture

    def deleting(self, token: str) -> None:
        """From now on it may be there or not."""
        del self.kept[token]

    def deleted(self, token: str, receipt: str | None) -> None:
        self.gone.add(token)
        if receipt is not None:
            self.receipts[token] = receipt

    def check_list(self, tokens: Collection[str]) -> None:
        """Against a list that was asked for when no change was under way."""
        told = set(tokens)
        self.expect_none("acknowledged users are missing", set(self.kept) - told)
        self.expect_none("deleted users are back", self.gone & told)
        self.expect_none("nobody was told of users", told - set(self.kept) - self.gone)
        if len(told) != len(tokens):
            self.say("users are listed twice", tokens)

    def expect_none(self, what: str, tokens: Iterable[str]) -> None:
        if found := list(tokens):
            self.say(what, found)

    def say(self, what: str, tokens: Iterable[str] = ()) -> None:
        shown = ", ".join(list(tokens)[:_MOST_SHOWN])
        self.wrong.append(f"{what}: {shown}" if shown else what)
