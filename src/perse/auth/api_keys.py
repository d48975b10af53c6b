"""API keys: random UUIDs, of which only a digest is kept.

A key is a version 4 UUID: 122 bits from the system's generator. A slow or salted hash protects
secrets that people choose, because those can be guessed; 2^122 values cannot be walked through at
any speed, so one SHA-256 keeps a stolen table useless and a request cheap.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID, uuid4

from perse.domain.access import ALL_PERMISSIONS, ApiKey, KeyId, Permission, TenantId
from perse.errors import InvalidParameter

_CANONICAL = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class KeyStore(Protocol):
    """Where API keys are kept."""

    def add(self, key: ApiKey) -> None:
        """Raises InvalidParameter when an active key already has that name."""
        ...

    def find(self, digest: bytes) -> ApiKey | None:
        """The active key with that digest. A revoked one is not there, in the time that takes."""
        ...

    def get(self, key_id: KeyId) -> ApiKey | None:
        """The active key with that id."""
        ...

    def all(self) -> Sequence[ApiKey]:
        """Every key, the oldest first."""
        ...

    def active_named(self, name: str) -> ApiKey:
        """Raises NotFound."""
        ...

    def revoke(self, name: str, *, at: datetime) -> ApiKey:
        """End the active key of that name. Raises NotFound."""
        ...

    def permit(
        self, name: str, change: Callable[[frozenset[Permission]], frozenset[Permission]]
    ) -> ApiKey:
        """Change what the active key of that name may do. Raises NotFound."""
        ...

    def rotate(self, key: ApiKey, *, retired_name: str) -> ApiKey:
        """Put ``key`` in the place of the active key of its name, which goes on as
        ``retired_name``. Raises NotFound or InvalidParameter."""
        ...


def digest_of(text: str) -> bytes | None:
    """SHA-256 of a key in its canonical form; None when the text is no UUID (RFC 9562)."""
    canonical = text.strip().lower()
    return _digest(UUID(canonical)) if _CANONICAL.fullmatch(canonical) else None


def _digest(key: UUID) -> bytes:
    return hashlib.sha256(str(key).encode("ascii")).digest()


def utc_now() -> datetime:
    """The time as everything here keeps it: aware, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """Makes, finds and ends API keys. Every method blocks on the store."""

    store: KeyStore
    now: Callable[[], datetime] = utc_now

    def create(
        self,
        name: str,
        *,
        permissions: frozenset[Permission] = ALL_PERMISSIONS,
        tenant_of: str | None = None,
    ) -> tuple[ApiKey, str]:
        """A key and its text, which exists nowhere afterwards. It has the tenant of the active key
        named ``tenant_of``, else one of its own.

        Raises NotFound, or InvalidParameter when an active key has that name.
        """
        shared = self.store.active_named(tenant_of).tenant_id if tenant_of is not None else None
        key, text = self._fresh(name, shared or TenantId(str(uuid4())), permissions)
        self.store.add(key)
        return key, text

    def rotate(self, name: str, *, retired_name: str) -> tuple[ApiKey, str]:
        """A new key for the same tenant that may do the same; the old one works on under
        ``retired_name``."""
        old = self.store.active_named(name)
        key, text = self._fresh(name, old.tenant_id, old.permissions)
        self.store.rotate(key, retired_name=retired_name)
        return key, text

    def allow(self, name: str, permissions: Iterable[Permission]) -> ApiKey:
        """Let the active key of that name do this, too. Raises NotFound."""
        return self.store.permit(name, lambda before: before | frozenset(permissions))

    def forbid(self, name: str, permissions: Iterable[Permission]) -> ApiKey:
        """Let it do this no more. Raises NotFound, or InvalidParameter where nothing would be
        left."""
        return self.store.permit(name, lambda before: _some(before - frozenset(permissions)))

    def revoke(self, name: str) -> ApiKey:
        """End the active key of that name and every token of it. Raises NotFound."""
        return self.store.revoke(name, at=self.now())

    def find(self, text: str) -> ApiKey | None:
        """The active key with this text."""
        digest = digest_of(text)
        key = None if digest is None else self.store.find(digest)
        if digest is None or key is None or not hmac.compare_digest(key.digest, digest):
            return None
        return key

    def _fresh(
        self, name: str, tenant_id: TenantId, permissions: frozenset[Permission]
    ) -> tuple[ApiKey, str]:
        secret = uuid4()
        key = ApiKey(
            KeyId(str(uuid4())),
            tenant_id,
            name.strip(),
            _digest(secret),
            self.now(),
            permissions=permissions,
        )
        return key, str(secret)


def _some(permissions: frozenset[Permission]) -> frozenset[Permission]:
    if not permissions:
        raise InvalidParameter("a key that may do nothing is of no use: revoke it")
    return permissions
