"""Who calls, and what they may do: tenants and their API keys."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import NewType

from perse.errors import InvalidParameter, PermissionMissing

TenantId = NewType("TenantId", str)
KeyId = NewType("KeyId", str)


class Permission(StrEnum):
    """What an API key may do."""

    FACES = "faces"
    VOICES = "voices"
    LIVENESS = "liveness"
    VERIFY = "verify"
    IDENTIFY = "identify"
    READ = "read"
    ENROL = "enrol"
    DELETE = "delete"
    EXPORT = "export"
    OPERATE = "operate"

    @property
    def meaning(self) -> str:
        """In words, as they follow "may"."""
        return _MEANING[self]


_MEANING: Mapping[Permission, str] = MappingProxyType(
    {
        Permission.FACES: "detect the faces of pictures and compare two pictures",
        Permission.VOICES: "inspect recordings and compare two of them",
        Permission.LIVENESS: "open, read and revoke liveness sessions",
        Permission.VERIFY: "compare with somebody who is enrolled",
        Permission.IDENTIFY: "search for a person among all who are enrolled",
        Permission.READ: "list who is enrolled and see what is known of them",
        Permission.ENROL: "enrol, add samples and, with read, change what is known of people",
        Permission.DELETE: "destroy people, samples and collections",
        Permission.EXPORT: "export all that is kept of a person, templates too",
        Permission.OPERATE: "see how the installation is, and its reports",
    }
)
ALL_PERMISSIONS = frozenset(Permission)


def told(permissions: Set[Permission]) -> str:
    """In the words of the command line."""
    if permissions == ALL_PERMISSIONS:
        return "all"
    return " ".join(it for it in Permission if it in permissions)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a call: everything enrolled belongs to the tenant, whichever key was used.

    ``permissions``: of the key. Commands are the operator's, who may do all.
    """

    tenant_id: TenantId
    key_id: KeyId
    permissions: frozenset[Permission] = ALL_PERMISSIONS

    def check(self, needed: Set[Permission]) -> None:
        """Raises PermissionMissing, which says how to get what is missing."""
        missing = [it for it in Permission if it in needed and it not in self.permissions]
        if missing:
            raise PermissionMissing(
                f"this API key may not {' nor '.join(it.meaning for it in missing)}: an operator "
                f"can allow it with `perse keys allow NAME {' '.join(missing)}`"
            )


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept: SHA-256 ``digest`` of its text, never the text. Times are aware, UTC.

    One with all ``permissions`` has those that later versions know, too.
    """

    key_id: KeyId
    tenant_id: TenantId
    name: str
    digest: bytes
    created_at: datetime
    revoked_at: datetime | None = None
    permissions: frozenset[Permission] = ALL_PERMISSIONS

    def __post_init__(self) -> None:
        if len(self.digest) != 32:
            raise InvalidParameter("the digest of an API key is 32 bytes long")
        if not 1 <= len(self.name) <= 100 or not self.name.isprintable():
            raise InvalidParameter("the name of an API key is 1 to 100 printable characters")

    @property
    def caller(self) -> Caller:
        return Caller(self.tenant_id, self.key_id, self.permissions)

    @property
    def active(self) -> bool:
        return self.revoked_at is None

    def __repr__(self) -> str:
        return f"ApiKey({self.key_id}, {self.name!r}, {'active' if self.active else 'revoked'})"
