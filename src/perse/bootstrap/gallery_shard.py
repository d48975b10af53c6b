"""A machine of the cluster that holds a part of everybody: opened where it runs, with the settings
and secrets of that node."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from perse.bootstrap.storage import master_key_choice
from perse.chores import Chore
from perse.cluster.connection import end_this_actor
from perse.domain.decisions import OperatingPoint, SimilarityScale
from perse.domain.identification import SearchClaims
from perse.domain.references import Modality
from perse.domain.samples import ModelName
from perse.domain.token_ranges import TokenRange
from perse.errors import MasterKeyUnusable
from perse.own_memory import keep_memory_private
from perse.search.live_search import LiveSearch
from perse.search.measured import Measured
from perse.search.sealed_words import SealedWords
from perse.search.shard import Shard
from perse.settings import Settings, load_settings
from perse.storage.database import Database, open_database
from perse.storage.master_key import MasterKeys
from perse.storage.secrets import open_secrets
from perse.storage.storage import derived_secret
from perse.storage.subject_feed import SqlSubjectFeed
from perse.storage.tenant_keys import TenantKeys

PURPOSE: Final = "gallery in shards"
_KEEP_WARM_EVERY_S: Final = 1.0
# Servers ask every few seconds; whom nobody has asked for so long is not needed any more.
_UNASKED_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class OpenShard:
    """``search`` is to be kept warm."""

    database: Database
    search: LiveSearch
    shard: Shard

    def close(self) -> None:
        """Zero the templates in memory."""
        self.search.close()
        self.database.close()


def open_shard(settings: Settings, among: TokenRange, models: Mapping[str, str]) -> OpenShard:
    """``models``: the network of each modality. Nothing is made, neither a key nor a table.
    Raises MasterKeyUnusable, StorageUnavailable, SettingsInvalid."""
    database = open_database(settings.effective_database_url)
    try:
        master, ledger_key = open_secrets(database, master=lambda first: _master(settings, first))
    except BaseException:
        database.close()
        raise
    feed = SqlSubjectFeed(database, TenantKeys(master)).within(among)
    search = LiveSearch(feed, _measured(models), settings.search_memory_bytes)
    if settings.search_read_ahead:
        search.read_ahead()
    return OpenShard(
        database, search, Shard(search, SealedWords(derived_secret(ledger_key, PURPOSE)))
    )


class GalleryShard:
    """The actor. What it is made of is in the cluster's tables, and none of it is secret."""

    def __init__(
        self,
        position: int,
        parts: int,
        models: Mapping[str, str],
        settings: Callable[[], Settings] = load_settings,
        end: Callable[[], None] = end_this_actor,
        keep_private: Callable[[], None] = keep_memory_private,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._among, self._models, self._settings = TokenRange(position, parts), models, settings
        self._end, self._clock = end, clock
        keep_private()
        self._opening = threading.Lock()
        self._opened: OpenShard | None = None
        self._asked_s = clock()
        self._chore = Chore(self.keep_up, every_s=_KEEP_WARM_EVERY_S, name="perse-shard")

    def answer(self, question: bytes) -> bytes:
        """As ``Shard.answer``. Raises what keeps it from being opened; the next question tries
        again."""
        self._asked_s = self._clock()
        with self._opening:
            if self._opened is None:
                self._opened = open_shard(self._settings(), self._among, self._models)
        return self._opened.shard.answer(question)

    def keep_up(self) -> None:
        """Follow what is stored; when no server has asked for long, zero all templates and end."""
        opened = self._opened
        if self._clock() - self._asked_s > _UNASKED_S:
            try:
                if opened:
                    opened.close()
            finally:
                self._end()
        elif opened:
            opened.search.keep_warm()


def _master(settings: Settings, first: bool) -> MasterKeys:
    if first:
        raise MasterKeyUnusable("this database has no secrets yet: start a server over it first")
    return master_key_choice(settings).open(first)


def _measured(models: Mapping[str, str]) -> Mapping[Modality, Measured]:
    """Which templates to hold. What their similarities mean is said by servers alone."""
    unused = SearchClaims(SimilarityScale([OperatingPoint(0.1, 0.0), OperatingPoint(0.01, 1.0)]), 1)
    return {Modality(it): Measured(ModelName(name), unused) for it, name in models.items()}
