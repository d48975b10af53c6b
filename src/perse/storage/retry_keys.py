"""Requests that clients named, and what they made."""

from __future__ import annotations

import hmac
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from perse.domain.access import TenantId
from perse.domain.references import SampleId, UserToken
from perse.domain.retries import RetryKey
from perse.errors import InvalidParameter, UserTokenNotFound
from perse.storage.bulk_schema import bulk_keys
from perse.storage.schema import idempotency_keys
from perse.storage.sealing import Owner

_FORGOTTEN = b""


def claim_retry(
    connection: sa.Connection, owner: Owner, retry: RetryKey, *, at: datetime
) -> Owner | None:
    """Note that ``retry`` makes ``owner``; what it made before, if it did.

    Waits for another transaction that is claiming the same. Raises as SqlReferences.add.
    """
    row = {
        "tenant_id": owner.tenant_id,
        "key_digest": retry.key,
        "request_digest": retry.request,
        "user_token": owner.user_token,
        "sample_id": owner.sample_id,
        "created_at": at,
    }
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    claimed = connection.execute(
        insert(_table(retry)).values(row).on_conflict_do_nothing().returning(sa.literal(1))
    ).first()
    return None if claimed else retried(connection, owner.tenant_id, retry)


def retried(connection: sa.Connection, tenant_id: TenantId, retry: RetryKey) -> Owner | None:
    """What ``retry`` made for the tenant, if anything."""
    keys = _table(retry)
    row = connection.execute(
        sa.select(keys).where(keys.c.tenant_id == tenant_id, keys.c.key_digest == retry.key)
    ).one_or_none()
    if row is None:
        return None
    if row.request_digest == _FORGOTTEN:
        raise UserTokenNotFound(
            "what was enrolled with this Idempotency-Key has been deleted since: "
            "use a new key to enrol again"
        )
    if not hmac.compare_digest(row.request_digest, retry.request):
        raise other_request()
    sample_id = SampleId(row.sample_id) if row.sample_id else None
    return Owner(tenant_id, UserToken(row.user_token), sample_id)


def forget_requests(connection: sa.Connection, owner: Owner) -> None:
    """Keep that the user, or only the sample that ``owner`` names, was made and deleted, and
    nothing of the request."""
    for keys in (idempotency_keys, bulk_keys):
        mine = sa.update(keys).where(
            keys.c.tenant_id == owner.tenant_id, keys.c.user_token == owner.user_token
        )
        if owner.sample_id:
            mine = mine.where(keys.c.sample_id == owner.sample_id)
        connection.execute(mine.values(request_digest=_FORGOTTEN))


def _table(retry: RetryKey) -> sa.Table:
    return bulk_keys if retry.lasting else idempotency_keys


def other_request() -> InvalidParameter:
    """What is said of a name that stands for another request."""
    return InvalidParameter(
        "this Idempotency-Key was used with another request: use a new key for each"
    )
