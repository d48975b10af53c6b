"""Machines of this process that hold a part of a gallery each, over a feed in memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from os import urandom
from typing import Protocol

from perse.domain.references import Modality
from perse.domain.token_ranges import TokenRange
from perse.errors import ClusterUnavailable, PerseError
from perse.search.live_search import LiveSearch
from perse.search.measured import Measured
from perse.search.replicas import Part, Spread
from perse.search.sealed_words import SealedWords
from perse.search.shard import Shard
from perse.search.sharded_search import ShardedSearch
from tests.fakes.subject_feed import FakeFeed


class Answers(Protocol):
    """Shard, or the actor that has one."""

    def answer(self, question: bytes) -> bytes: ...


@dataclass
class FakeReplica:
    """``lost``: it does not answer; ``mute``: nor does it say so. ``heard``: all questions."""

    shard: Answers
    lost: bool = False
    mute: bool = False
    lost_after: int | None = None
    heard: list[bytes] = field(default_factory=list)
    told: list[bytes] = field(default_factory=list)

    def ask(self, question: bytes) -> Future[bytes]:
        answer: Future[bytes] = Future()
        self.heard.append(question)
        if self.lost_after is not None:
            self.lost = len(self.heard) > self.lost_after
        if self.mute:
            return answer
        try:
            if self.lost:
                raise ClusterUnavailable("lost")
            self.told.append(self.shard.answer(question))
            answer.set_result(self.told[-1])
        except PerseError as problem:
            answer.set_exception(problem)
        return answer


@dataclass
class FakeMachines:
    """``copies`` of each of ``parts``."""

    feed: FakeFeed
    measured: Mapping[Modality, Measured]
    parts: int = 3
    copies: int = 1
    patience_s: float = 2.0
    key: bytes = field(default_factory=lambda: urandom(32))
    clock: Callable[[], float] = time.monotonic
    replicas: list[list[FakeReplica]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.replicas = [
            [self.replica(position) for _ in range(self.copies)] for position in range(self.parts)
        ]
        self.search = ShardedSearch(self.feed, self.measured, self.spread(self.replicas))

    def lose(self) -> None:
        """All but those of the first part."""
        for replicas in self.replicas[1:]:
            for replica in replicas:
                replica.lost = True

    def replica(self, position: int, key: bytes | None = None) -> FakeReplica:
        feed = self.feed.within(TokenRange(position, self.parts))
        index = LiveSearch(feed, self.measured, 1_000_000_000, clock=self.clock)
        return FakeReplica(Shard(index, SealedWords(key or self.key)))

    def spread(self, replicas: Sequence[Sequence[FakeReplica]]) -> Spread:
        return Spread([Part(it) for it in replicas], SealedWords(self.key), self.patience_s)
