"""The machines that hold the gallery, as a server reaches them: connected in the background, and
started where they are missing."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final

from perse.bootstrap.gallery_shard import PURPOSE, GalleryShard
from perse.cluster.connection import Actor, Berth, Cluster, check_usable, connect
from perse.domain.references import Modality
from perse.errors import ClusterUnavailable
from perse.search.measured import Measured
from perse.search.replicas import Part, Spread
from perse.search.sealed_words import SealedWords
from perse.search.sharded_search import ShardedSearch
from perse.settings import Settings
from perse.storage.storage import Storage

NAMESPACE: Final = "perse"
# Machines that speak differently do not meet: raise it when what they say to each other changes.
_LANGUAGE: Final = 2
_THREADS: Final = 8
# An actor that has no room yet, or hangs, works off what it was asked long ago before anything new.
_MOST_UNANSWERED: Final = 32

_Key = tuple[int, int]


class GalleryActors:
    """``parts`` times ``copies`` actors, each copy of a part on another node as far as there are
    such. Safe to share between threads. ``shard``: what they are, made as ``GalleryShard`` is;
    ``join``: as ``connect``."""

    def __init__(
        self,
        address: str,
        layout: str,
        models: Mapping[str, str],
        settings: Settings,
        shard: Callable[[int, int, Mapping[str, str]], object] = GalleryShard,
        join: Callable[..., Cluster] = connect,
    ) -> None:
        self._address, self._layout, self._models = address, layout, models
        self._shard, self._join = shard, join
        self._parts, self._copies = settings.cluster_shards, settings.cluster_copies
        self._memory_bytes = settings.search_memory_bytes
        self._lock = threading.Lock()
        self._cluster: Cluster | None = None
        self._actors: dict[_Key, Actor] = {}
        self._unanswered: defaultdict[_Key, set[Future[Any]]] = defaultdict(set)

    def muster(self) -> None:
        """Connect, and start whoever is missing. Raises ClusterUnavailable."""
        if self._cluster is None:
            self._cluster = self._join(self._address, namespace=NAMESPACE, environment=os.environ)
        for position in range(self._parts):
            for copy in range(self._copies):
                if (position, copy) not in self._actors:
                    actor = self._started(self._cluster, position, copy)
                    with self._lock:
                        self._actors[position, copy] = actor

    def ask(self, key: _Key, question: bytes) -> Future[Any]:
        """One of them. Where it does not answer, the next ``muster`` looks for it."""
        with self._lock:
            actor, unanswered = self._actors.get(key), len(self._unanswered[key])
        if actor is None:
            return _refused("it has not been found yet")
        if unanswered >= _MOST_UNANSWERED:
            return _refused("it has not answered what it was asked before")
        answer = actor.ask("answer", question)
        with self._lock:
            self._unanswered[key].add(answer)
        answer.add_done_callback(lambda done: self._answered(key, done))
        return answer

    def close(self) -> None:
        """Leave the cluster; the actors stay for other servers."""
        if self._cluster:
            self._cluster.close()

    def parts(self) -> list[Part]:
        """What searches ask."""
        return [
            Part([_ActorReplica(self, (position, copy)) for copy in range(self._copies)])
            for position in range(self._parts)
        ]

    def _started(self, cluster: Cluster, position: int, copy: int) -> Actor:
        berth = Berth(
            name=f"{self._layout} {position + 1} of {self._parts}, copy {copy + 1}",
            memory_bytes=self._memory_bytes,
            threads=_THREADS,
            place=position + copy,
        )
        return cluster.actor(self._shard, position, self._parts, self._models, berth=berth)

    def _answered(self, key: _Key, done: Future[Any]) -> None:
        with self._lock:
            self._unanswered[key].discard(done)
            if isinstance(done.exception(), ClusterUnavailable):
                self._actors.pop(key, None)


def _refused(why: str) -> Future[Any]:
    refused: Future[Any] = Future()
    refused.set_exception(ClusterUnavailable(why))
    return refused


@dataclass(frozen=True, slots=True)
class _ActorReplica:
    actors: GalleryActors
    key: _Key

    def ask(self, question: bytes) -> Future[bytes]:
        return self.actors.ask(self.key, question)


@dataclass(frozen=True, slots=True)
class ClusterSearch:
    """``search`` over ``actors``."""

    search: ShardedSearch
    actors: GalleryActors

    def keep_up(self) -> None:
        """To be called again and again."""
        try:
            self.actors.muster()
        finally:
            self.search.keep_warm()


def open_cluster_search(
    address: str, settings: Settings, storage: Storage, measured: Mapping[Modality, Measured]
) -> ClusterSearch:
    """Nothing is connected yet. Raises SettingsInvalid for a cluster that cannot be used."""
    check_usable(address, os.environ)
    key = storage.derived_secret(PURPOSE)
    models = {str(it): str(about.model) for it, about in sorted(measured.items())}
    actors = GalleryActors(address, _layout(key, models), models, settings)
    spread = Spread(actors.parts(), SealedWords(key))
    return ClusterSearch(ShardedSearch(storage.subject_feed, measured, spread), actors)


def _layout(key: bytes, models: Mapping[str, str]) -> str:
    """A name that only servers of one database and of the same networks have."""
    told = f"{_LANGUAGE} {sorted(models.items())}".encode()
    return "gallery " + hashlib.blake2b(told, key=key, digest_size=8).hexdigest()
