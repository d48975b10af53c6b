"""API keys and the tenants they belong to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from perse.domain.access import ApiKey, KeyId, Permission, TenantId, told
from perse.domain.audit import Act, Deed
from perse.errors import InvalidParameter, NotFound
from perse.storage.audit_log import Journal
from perse.storage.database import Database
from perse.storage.schema import Row, api_keys, tenants


@dataclass(frozen=True, slots=True)
class SqlKeyList:
    """Keys by the digest of their text, to be read. A name belongs to one active key at a time."""

    database: Database

    def find(self, digest: bytes) -> ApiKey | None:
        """The active key with that digest.

        The database leaves out revoked keys, so that those take the time of unknown ones.
        """
        return self._active(api_keys.c.digest == digest)

    def get(self, key_id: KeyId) -> ApiKey | None:
        """The active key with that id."""
        return self._active(api_keys.c.key_id == key_id)

    def all(self) -> Sequence[ApiKey]:
        """Every key, the oldest first."""
        query = sa.select(api_keys).order_by(api_keys.c.created_at, api_keys.c.key_id)
        with self.database.read() as connection:
            return [_key(row) for row in connection.execute(query)]

    def active_named(self, name: str) -> ApiKey:
        """Raises NotFound."""
        with self.database.read() as connection:
            return _active_named(connection, name)

    def _active(self, condition: sa.ColumnElement[bool]) -> ApiKey | None:
        query = sa.select(api_keys).where(condition, api_keys.c.revoked_at.is_(None))
        with self.database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _key(row)


@dataclass(frozen=True, slots=True)
class SqlKeys(SqlKeyList):
    """Keys that may be changed; each change is in the audit log with it or not at all."""

    journal: Journal

    def add(self, key: ApiKey) -> None:
        """Keep ``key``; its tenant begins to exist with its first key.

        Raises InvalidParameter when an active key already has that name.
        """
        deed = _deed(Act.KEY_CREATE, key, may=told(key.permissions))
        with self._changing(deed, unique=key.name) as connection:
            _ensure_tenant(connection, key.tenant_id, key.created_at)
            connection.execute(sa.insert(api_keys), _row(key))
            self.journal.note_in(connection, deed)

    def revoke(self, name: str, *, at: datetime) -> ApiKey:
        """End the active key of that name; its tenant and users stay. Raises NotFound."""
        with self._changing(Deed(Act.KEY_REVOKE, name)) as connection:
            key = _active_named(connection, name)
            connection.execute(_update(key).values(revoked_at=at))
            self.journal.note_in(connection, _deed(Act.KEY_REVOKE, key))
        return replace(key, revoked_at=at)

    def permit(
        self, name: str, change: Callable[[frozenset[Permission]], frozenset[Permission]]
    ) -> ApiKey:
        """Change what the active key of that name may do. Raises NotFound."""
        with self._changing(Deed(Act.KEY_PERMIT, name)) as connection:
            key = _active_named(connection, name)
            permitted = replace(key, permissions=change(key.permissions))
            connection.execute(_update(key).values(permissions=permitted.permissions))
            before, now = told(key.permissions), told(permitted.permissions)
            self.journal.note_in(connection, _deed(Act.KEY_PERMIT, key, may=now, before=before))
        return permitted

    def rotate(self, key: ApiKey, *, retired_name: str) -> ApiKey:
        """Keep ``key`` in the place of the active key of its name and tenant, in one step.

        The old key goes on working under ``retired_name``; it is returned. Raises NotFound, or
        InvalidParameter when another active key has ``retired_name``.
        """
        deed = _deed(Act.KEY_ROTATE, key, may=told(key.permissions), old_name=retired_name)
        with self._changing(deed, unique=retired_name) as connection:
            old = _active_named(connection, key.name)
            if old.tenant_id != key.tenant_id:
                raise InvalidParameter("a key is rotated within its own tenant")
            connection.execute(_update(old).values(name=retired_name))
            connection.execute(sa.insert(api_keys), _row(key))
            self.journal.note_in(connection, deed)
        return replace(old, name=retired_name)

    @contextmanager
    def _changing(self, deed: Deed, *, unique: str = "") -> Iterator[sa.Connection]:
        """``deed``: what is tried; ``unique``: the name that no other active key may have."""
        with (
            self.journal.trying(deed),
            _unique_name(unique),
            self.database.write() as connection,
        ):
            yield connection


def _deed(act: Act, key: ApiKey, **details: str) -> Deed:
    return Deed(act, key.name, key.tenant_id, {"key_id": key.key_id, **details})


@contextmanager
def _unique_name(name: str) -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise InvalidParameter(
            f"there is an active key named {name!r}: choose another name, revoke it or rotate it"
        ) from None


def _ensure_tenant(connection: sa.Connection, tenant_id: TenantId, at: datetime) -> None:
    query = sa.select(tenants.c.tenant_id).where(tenants.c.tenant_id == tenant_id)
    if connection.execute(query).first() is None:
        connection.execute(sa.insert(tenants), {"tenant_id": tenant_id, "created_at": at})


def _active_named(connection: sa.Connection, name: str) -> ApiKey:
    query = sa.select(api_keys).where(api_keys.c.name == name, api_keys.c.revoked_at.is_(None))
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"there is no active key named {name!r}: perse keys list shows them")
    return _key(row)


def _update(key: ApiKey) -> sa.Update:
    return sa.update(api_keys).where(api_keys.c.key_id == key.key_id)


def _row(key: ApiKey) -> dict[str, object]:
    return {name: getattr(key, name) for name in ApiKey.__slots__}


def _key(row: Row) -> ApiKey:
    return ApiKey(**row._asdict())
