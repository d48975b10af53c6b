"""How a server asks the machines of its gallery, without a cluster."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from perse.bootstrap.gallery_cluster import GalleryActors
from perse.cluster.connection import Berth, Cluster
from perse.errors import ClusterUnavailable
from perse.settings import Settings

WAITING = 32


@dataclass
class FakeActor:
    """One that waits for room: it is asked, and answers nothing before it is told to."""

    asked: list[Future[Any]] = field(default_factory=list)

    def ask(self, method: str, *given: object) -> Future[Any]:
        self.asked.append(Future())
        return self.asked[-1]


@dataclass
class FakeCluster:
    actors: dict[str, FakeActor] = field(default_factory=dict)
    found: int = 0

    def actor(self, made_by: object, *given: object, berth: Berth) -> FakeActor:
        self.found += 1
        return self.actors.setdefault(berth.name or "", FakeActor())


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


@pytest.fixture
def actors(cluster: FakeCluster, tmp_path: Path) -> GalleryActors:
    settings = Settings(data_dir=tmp_path, cluster_shards=1, cluster_copies=2)

    def join(address: str, **_: object) -> Cluster:
        return cast("Cluster", cluster)

    made = GalleryActors("local", "gallery", {"face": "net"}, settings, join=join)
    made.muster()
    return made


def asked_too_much(actors: GalleryActors) -> bool:
    """Whether the first copy refuses one more question at once."""
    answer = actors.ask((0, 0), b"one more")
    return answer.done() and isinstance(answer.exception(), ClusterUnavailable)


def test_whoever_does_not_answer_is_asked_no_more_than_it_has_room_for(
    actors: GalleryActors, cluster: FakeCluster
) -> None:
    for _ in range(WAITING):
        assert not actors.ask((0, 0), b"a question").done()
    for _ in range(100):
        assert asked_too_much(actors)
    first, second = cluster.actors.values()
    assert (len(first.asked), len(second.asked)) == (WAITING, 0)
    assert not actors.ask((0, 1), b"its copy").done()


def test_whoever_has_answered_is_asked_again(actors: GalleryActors, cluster: FakeCluster) -> None:
    for _ in range(WAITING):
        actors.ask((0, 0), b"a question")
    first, _ = cluster.actors.values()
    first.asked[0].set_result(b"an answer")
    assert not asked_too_much(actors)
    assert asked_too_much(actors)


def test_a_refusal_of_ours_loses_nobody_and_a_lost_actor_is_looked_for(
    actors: GalleryActors, cluster: FakeCluster
) -> None:
    for _ in range(WAITING + 1):
        actors.ask((0, 0), b"a question")
    actors.muster()
    assert cluster.found == 2
    first, _ = cluster.actors.values()
    for question in first.asked:
        question.set_exception(ClusterUnavailable("lost"))
    actors.muster()
    assert cluster.found == 3
    assert not asked_too_much(actors)
