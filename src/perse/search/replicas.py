"""A part of everybody on several machines: one is asked, and the next one where that one does not
answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Final, Protocol

from perse.errors import PerseError
from perse.search.sealed_words import SealedWords, Words
from perse.search.shard import Answer, Loading, answer_of

# So long whoever did not answer is asked after the others.
_DOUBTED_S: Final = 10.0


class Replica(Protocol):
    """A machine that holds a part; asked by several threads at the same time."""

    def ask(self, question: bytes, /) -> Future[bytes]:
        """The future raises a PerseError where there is no answer. Does not wait."""
        ...


@dataclass(slots=True)
class Part:
    """``replicas``: each holds all of the part."""

    replicas: Sequence[Replica]
    clock: Callable[[], float] = time.monotonic
    _doubted_s: dict[int, float] = field(default_factory=dict)  # by replica: until when
    _turns: count[int] = field(default_factory=count)

    def in_turn(self) -> list[int]:
        """All of them: another one first each time, and those in doubt last."""
        many, turn, now_s = len(self.replicas), next(self._turns), self.clock()
        order = [(turn + it) % many for it in range(many)]
        return sorted(order, key=lambda it: self._doubted_s.get(it, now_s) > now_s)

    def doubt(self, number: int) -> None:
        self._doubted_s[number] = self.clock() + _DOUBTED_S

    def trust(self, number: int) -> None:
        self._doubted_s.pop(number, None)


@dataclass(slots=True)
class _Asking:
    """One part, until somebody has answered or nobody is left to ask."""

    part: Part
    words: Words
    sealed: SealedWords
    answer: Answer | None = None
    waiting: dict[Future[bytes], tuple[int, bytes]] = field(default_factory=dict)
    _left: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._left = self.part.in_turn()
        self.ask_next()

    @property
    def over(self) -> bool:
        loading = self.answer is None or isinstance(self.answer, Loading)
        return not (loading and self.waiting)

    def ask_next(self) -> None:
        """If there is a next one."""
        if self._left:
            number, question = self._left.pop(0), self.sealed.seal(self.words)
            self.waiting[self.part.replicas[number].ask(question)] = number, question

    def look(self) -> None:
        """Take what has come. Raises what was said of the search as a whole."""
        for done in [it for it in self.waiting if it.done()]:
            self._take(done, *self.waiting.pop(done))
        if not self.waiting and (self.answer is None or isinstance(self.answer, Loading)):
            self.ask_next()

    def lose_patience(self) -> None:
        for number, _ in self.waiting.values():
            self.part.doubt(number)
        self.ask_next()

    def _take(self, done: Future[bytes], number: int, question: bytes) -> None:
        try:
            words = self.sealed.open(done.result(), question)
        except PerseError:
            self.part.doubt(number)
            return
        answer = answer_of(words)
        if not isinstance(answer, Loading):
            self.part.trust(number)
            self.answer = answer
        elif self.answer is None:
            self.answer = answer


@dataclass(frozen=True, slots=True)
class Spread:
    """All machines: each part is another one of everybody, and together they are all.
    ``patience_s``: whoever has not answered by then is not waited for alone any more."""

    parts: Sequence[Part]
    sealed: SealedWords
    patience_s: float = 2.0
    deadline_s: float = 8.0

    def ask(self, words: Words, parts: Sequence[Part] | None = None) -> list[Answer | None]:
        """What each part answers, all asked at the same time: None where nobody of it does,
        Loading where nobody of it is ready. Raises what one of them says of the search as a whole.
        ``parts``: None = all."""
        asked = self.parts if parts is None else parts
        asking = [_Asking(part, words, self.sealed) for part in asked]
        until_s = time.monotonic() + self.deadline_s
        while (open_ones := [it for it in asking if not it.over]) and time.monotonic() < until_s:
            futures = list(chain.from_iterable(it.waiting for it in open_ones))
            if not wait(futures, self.patience_s, FIRST_COMPLETED).done:
                for it in open_ones:
                    it.lose_patience()
            for it in open_ones:
                it.look()
        return [it.answer for it in asking]

    def ask_everyone(self, words: Words) -> list[list[Answer | None]]:
        """What each machine answers, by part; no other one is asked in its place."""
        answers = iter(self.ask(words, [Part([it]) for part in self.parts for it in part.replicas]))
        return [[next(answers) for _ in part.replicas] for part in self.parts]
