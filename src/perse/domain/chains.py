"""Entries chained by hashes: each hash covers the entry before, so that a change, an insertion or a
removal shows. The hash is keyed (HMAC-SHA-256, RFC 2104): who can write to the database cannot
forge a chain anew."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, Self, TypeVar

from perse.errors import InvalidParameter

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class ChainPoint:
    """A place in a chain: ``seq`` counts from 1; 0 is the empty chain, whose hash is zeros."""

    seq: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash.hex()}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """What ``str`` makes. Raises InvalidParameter."""
        seq, _, digest = text.partition(":")
        try:
            return cls(int(seq), bytes.fromhex(digest))
        except ValueError:
            raise InvalidParameter(
                f"{text!r} is no SEQ:HASH as perse consent verify and perse audit verify print it"
            ) from None


CHAIN_START = ChainPoint(0, bytes(32))


@dataclass(frozen=True, slots=True)
class Link(Generic[Entry]):
    """An entry in its place: ``point``, behind the hash ``previous``."""

    entry: Entry
    previous: bytes
    point: ChainPoint


@dataclass(frozen=True, slots=True)
class Chain(Generic[Entry]):
    """``name``: what sentences call it; ``facts``: what of an entry is hashed, all of it."""

    name: str
    facts: Callable[[Entry], Sequence[object]]
    key: bytes = field(repr=False)

    def links(self, entries: Iterable[Entry], *, after: ChainPoint) -> Iterator[Link[Entry]]:
        """``entries`` as they follow ``after``."""
        for entry in entries:
            point = ChainPoint(after.seq + 1, self._hash(entry, after))
            yield Link(entry, after.hash, point)
            after = point

    def intact(self, link: Link[Entry]) -> bool:
        """Whether an entry is the one that was written in its place."""
        before = ChainPoint(link.point.seq - 1, link.previous)
        return hmac.compare_digest(link.point.hash, self._hash(link.entry, before))

    def broken(self, links: Iterable[Link[Entry]], *, head: ChainPoint) -> Iterator[str]:
        """What is wrong with a chain read from its start, a sentence each; else nothing."""
        last = CHAIN_START
        for link in links:
            if link.point.seq != last.seq + 1:
                yield _gap(last.seq + 1, link.point.seq)
            if link.previous != last.hash and link.point.seq == last.seq + 1:
                yield f"entry {link.point.seq} does not follow the entry before it"
            if not self.intact(link):
                yield f"entry {link.point.seq} was changed or did not come from this server"
            last = link.point
        if last != head:
            yield f"the {self.name} ends at entry {last.seq}, but its last entry was {head.seq}"

    def _hash(self, entry: Entry, before: ChainPoint) -> bytes:
        content = json.dumps([before.seq + 1, before.hash.hex(), *self.facts(entry)])
        return hmac.new(self.key, content.encode(), hashlib.sha256).digest()


def _gap(expected: int, found: int) -> str:
    if found <= expected:
        return f"entry {found} appears out of its place"
    missing = f"entry {expected}" if found == expected + 1 else f"entries {expected} to {found - 1}"
    return f"{missing} removed"
