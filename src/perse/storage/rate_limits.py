"""Token buckets per API key, shared by all processes on one database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from perse.domain.access import KeyId
from perse.domain.throttling import Bucket, RateLimit
from perse.storage.database import Database
from perse.storage.schema import rate_buckets


@dataclass(frozen=True, slots=True)
class SqlRateLimits:
    """A bucket lost with the machine is refilled: that is why nothing waits for the disk here."""

    database: Database
    limit: RateLimit

    def take(self, key_id: KeyId, *, at: datetime) -> None:
        """Count one call. Raises RateLimited."""
        insert = sqlite.insert if self.database.is_sqlite else postgresql.insert
        full = self.limit.full(at)
        mine = rate_buckets.c.key_id == key_id
        with self.database.write_soon() as connection:
            connection.execute(
                insert(rate_buckets)
                .values(key_id=key_id, tokens=full.tokens, refilled_at=full.at)
                .on_conflict_do_nothing()
            )
            row = connection.execute(sa.select(rate_buckets).where(mine).with_for_update()).one()
            left = self.limit.take(Bucket(row.tokens, row.refilled_at), at)
            connection.execute(
                sa.update(rate_buckets).where(mine).values(tokens=left.tokens, refilled_at=left.at)
            )
