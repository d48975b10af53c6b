"""Credentials that were verified a moment ago, in memory: nothing that is slow holds them up.

What is kept is found by SHA-256, never by a credential's text. A key is trusted for a second from
the question that found it active, so that a key revoked by any server or command ends within a
second on all of them, as does what a key may do no more; half of that time earlier it is due to be
asked for again.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from perse.domain.access import Caller, KeyId

TRUSTED_S = 1.0
_DUE_S = TRUSTED_S / 2
_MOST = 10_000

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Known:
    """A caller with an active key; ``due``: whether that should be asked again by now."""

    caller: Caller
    due: bool


class RecentCallers:
    """Who called lately, and with which session tokens. Safe to share between threads; bounded,
    the least recently used are forgotten first."""

    def __init__(
        self, *, trusted_s: float = TRUSTED_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``trusted_s``: 0 trusts nothing."""
        self._trusted_s = trusted_s
        self._clock = clock
        self._asked: _Bounded[KeyId, tuple[Caller, float]] = _Bounded()
        self._callers: _Bounded[bytes, Caller] = _Bounded()
        self._tokens: _Bounded[bytes, tuple[Caller, datetime]] = _Bounded()

    def now_s(self) -> float:
        """When a question is asked, for ``keep``."""
        return self._clock()

    def by_key(self, digest: bytes) -> Known | None:
        """The caller whose API key has that digest, while the key is trusted."""
        caller = self._callers.get(digest)
        return self._known(caller) if caller else None

    def by_token(self, digest: bytes, *, now: datetime) -> Known | None:
        """The caller of that session token, while token and key are good."""
        found = self._tokens.get(digest)
        if found is None or now >= found[1]:
            return None
        return self._known(found[0])

    def last_known(self, digest: bytes) -> Caller | None:
        """Whose key or session token that was, however long ago it was verified."""
        token = self._tokens.get(digest)
        return token[0] if token else self._callers.get(digest)

    def forget(self, digest: bytes | None) -> None:
        """These credentials are good no more."""
        if digest is not None:
            self._callers.drop(digest)
            self._tokens.drop(digest)

    def keep(self, caller: Caller, *, asked_s: float, digest: bytes | None = None) -> None:
        """The caller's key was active when that was asked at ``asked_s``."""
        self._asked.put(caller.key_id, (caller, asked_s))
        if digest is not None:
            self._callers.put(digest, caller)

    def keep_token(self, digest: bytes, caller: Caller, *, until: datetime) -> None:
        self._tokens.put(digest, (caller, until))

    def _known(self, caller: Caller) -> Known | None:
        """As the key store knew the key last, whichever of its credentials that was asked for."""
        asked = self._asked.get(caller.key_id)
        if asked is None:
            return None
        latest, asked_s = asked
        age_s = self._clock() - asked_s
        return Known(latest, age_s > _DUE_S) if age_s < self._trusted_s else None


@dataclass(slots=True)
class _Bounded(Generic[Key, Value]):
    """A dictionary of the ``most`` entries used last."""

    most: int = _MOST
    _entries: OrderedDict[Key, Value] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: Key) -> Value | None:
        with self._lock:
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            return self._entries[key]

    def drop(self, key: Key) -> None:
        with self._lock:
            self._entries.pop(key, None)

    def put(self, key: Key, value: Value) -> None:
        with self._lock:
            self._entries[key] = value
            self._entries.move_to_end(key)
            if len(self._entries) > self.most:
                self._entries.popitem(last=False)
