"""Searches of several processes over one database, which are killed while a book is kept."""

from __future__ import annotations

import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.storage.conftest import open_at
from tests.storage.samples import ACME, OTHER, SCALE, template, with_tenants
from tests.storage.stage import Process, Stage

PROCESSES = 3
STEPS = int(os.environ.get("PERSE_SEARCH_STEPS", "40"))
MOST = 100


@dataclass
class Book:
    """What was acknowledged. ``touched`` counts what began to happen to a user; of whom a killed
    process was changing nothing is known any more."""

    enrolled: dict[str, int] = field(default_factory=dict)  # token -> number of the person
    deleted: set[str] = field(default_factory=set)
    touched: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, chance: random.Random) -> tuple[str, int] | None:
        """Somebody to change, who counts as unknown until the change is acknowledged."""
        with self.lock:
            if not self.enrolled:
                return None
            token = chance.choice(list(self.enrolled))
            self.touched[token] = self.touched.get(token, 0) + 1
            return token, self.enrolled.pop(token)

    def known(self) -> tuple[dict[str, int], dict[str, int], set[str]]:
        with self.lock:
            return dict(self.enrolled), dict(self.touched), set(self.deleted)


@dataclass
class Player:
    """Drives one process after another, and says what was wrong."""

    stage: Stage
    url: str
    folder: Path
    book: Book
    chance: random.Random
    wrong: list[str] = field(default_factory=list)
    kills: int = 0
    searches: int = 0

    def play(self) -> None:
        process = self.stage.server(self.url, self.folder)
        for _ in range(STEPS):
            if self.chance.random() < 0.06:
                self._change_and_kill(process)
                process = self.stage.server(self.url, self.folder)
            elif self.chance.random() < 0.4:
                self._change(process)
            else:
                self._search(process)
        process.kill()

    def _change(self, process: Process) -> None:
        taken = self.book.take(self.chance) if self.chance.random() < 0.6 else None
        person = self.chance.randrange(1_000_000)
        if taken is None:
            token = str(process.ask("enrol", ACME, person))
            with self.book.lock:
                self.book.enrolled[token] = person
        elif self.chance.random() < 0.5:
            process.ask("update", ACME, taken[0], person)
            with self.book.lock:
                self.book.enrolled[taken[0]] = person
        else:
            process.ask("delete", ACME, taken[0])
            with self.book.lock:
                self.book.deleted.add(taken[0])

    def _change_and_kill(self, process: Process) -> None:
        """Nobody knows how far it came."""
        taken = self.book.take(self.chance)
        if taken is None:
            process.tell("enrol", ACME, 1)
        else:
            process.tell("delete", ACME, taken[0])
        time.sleep(self.chance.uniform(0, 0.02))
        process.kill()
        self.kills += 1

    def _search(self, process: Process) -> None:
        """Whoever was there before it began, and was left alone until it ended, is found as they
        are, and nobody who was gone."""
        before, touched, deleted = self.book.known()
        if not before:
            return
        token = self.chance.choice(list(before))
        answer = process.ask("identify", ACME, before[token], MOST)
        assert isinstance(answer, list)
        found = dict(answer)
        _, touched_since, _ = self.book.known()
        self.searches += 1
        left_alone = {it for it in before if touched.get(it) == touched_since.get(it)}
        if deleted & found.keys():
            self.wrong.append(f"{deleted & found.keys()} had been deleted")
        if token in left_alone and found.get(token) != 1.0:
            self.wrong.append(f"{token} is enrolled and was answered with {found.get(token)}")
        for other in left_alone & found.keys():
            expected = _similarity(before[token], before[other])
            if found[other] != expected:
                self.wrong.append(f"{other} is {expected}, not {found[other]} similar")


def _similarity(person: int, other: int) -> float:
    probe, reference = template(person, values=16), template(other, values=16)
    return SCALE.resemblance(probe, reference).similarity


def test_processes_that_are_killed_find_all_who_are_there_and_nobody_who_is_gone(
    stage: Stage, url: str, tmp_path: Path
) -> None:
    with open_at(url, tmp_path) as storage:
        with_tenants(storage.keys)
    book, chance = Book(), random.Random(1)
    players = [
        Player(stage, url, tmp_path, book, random.Random(chance.random())) for _ in range(PROCESSES)
    ]
    with ThreadPoolExecutor(PROCESSES) as pool:
        for played in [pool.submit(player.play) for player in players]:
            played.result()
    assert [wrong for player in players for wrong in player.wrong] == []
    assert sum(player.searches for player in players) > STEPS / 2
    assert sum(player.kills for player in players) > 0
    last = stage.server(url, tmp_path)
    for token, person in book.enrolled.items():
        assert [token, 1.0] in last.ask("identify", ACME, person, MOST)  # type: ignore[operator]
        assert last.ask("identify", OTHER, person, MOST) == []


def test_what_one_process_stores_the_others_next_search_knows(
    stage: Stage, url: str, tmp_path: Path
) -> None:
    with open_at(url, tmp_path) as storage:
        with_tenants(storage.keys)
    one, other = stage.server(url, tmp_path), stage.server(url, tmp_path)
    assert other.ask("identify", ACME, 7, MOST) == []
    for _ in range(20):
        token = one.ask("enrol", ACME, 7)
        assert other.ask("identify", ACME, 7, MOST) == [[token, 1.0]]
        one.ask("delete", ACME, token)
        assert other.ask("identify", ACME, 7, MOST) == []
