"""Who calls: tenants and their API keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from perse.errors import InvalidParameter

TenantId = NewType("TenantId", str)
KeyId = NewType("KeyId", str)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a call: everything enrolled belongs to the tenant, whichever key was used."""

    tenant_id: TenantId
    key_id: KeyId


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept: SHA-256 ``digest`` of its text, never the text. Times are aware, UTC."""

    key_id: KeyId
    tenant_id: TenantId
    name: str
    digest: bytes
    created_at: datetime
    revoked_at: datetime | None = None

    def __post_init__(self) -> None:
        if len(self.digest) != 32:
            raise InvalidParameter("the digest of an API key is 32 bytes long")
        if not 1 <= len(self.name) <= 100 or not self.name.isprintable():
            raise InvalidParameter("the name of an API key is 1 to 100 printable characters")

    @property
    def caller(self) -> Caller:
        return Caller(self.tenant_id, self.key_id)

    @property
    def active(self) -> bool:
        return self.revoked_at is None

    def __repr__(self) -> str:
        return f"ApiKey({self.key_id}, {self.name!r}, {'active' if self.active else 'revoked'})"
