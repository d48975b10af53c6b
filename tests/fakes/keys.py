"""API keys in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from perse.domain.access import ApiKey, KeyId, Permission
from perse.errors import InvalidParameter, NotFound


class MemoryKeys:
    """A key store in memory; the contract that ``SqlKeys`` keeps too."""

    def __init__(self) -> None:
        self._keys: dict[KeyId, ApiKey] = {}

    def add(self, key: ApiKey) -> None:
        if any(other.name == key.name and other.active for other in self._keys.values()):
            raise InvalidParameter(f"there is an active key named {key.name!r}")
        self._keys[key.key_id] = key

    def find(self, digest: bytes) -> ApiKey | None:
        found = (key for key in self._keys.values() if key.digest == digest and key.active)
        return next(found, None)

    def get(self, key_id: KeyId) -> ApiKey | None:
        key = self._keys.get(key_id)
        return key if key and key.active else None

    def all(self) -> Sequence[ApiKey]:
        return sorted(self._keys.values(), key=lambda key: key.created_at)

    def active_named(self, name: str) -> ApiKey:
        for key in self._keys.values():
            if key.name == name and key.active:
                return key
        raise NotFound(f"there is no active key named {name!r}")

    def revoke(self, name: str, *, at: datetime) -> ApiKey:
        key = replace(self.active_named(name), revoked_at=at)
        self._keys[key.key_id] = key
        return key

    def permit(
        self, name: str, change: Callable[[frozenset[Permission]], frozenset[Permission]]
    ) -> ApiKey:
        key = self.active_named(name)
        self._keys[key.key_id] = replace(key, permissions=change(key.permissions))
        return self._keys[key.key_id]

    def rotate(self, key: ApiKey, *, retired_name: str) -> ApiKey:
        old = replace(self.active_named(key.name), name=retired_name)
        self._keys[old.key_id] = old
        self._keys[key.key_id] = key
        return old
