"""Failed comparisons against each user, counted for all processes alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from perse.domain.access import TenantId
from perse.domain.references import UserToken
from perse.domain.throttling import Guess, Guesses, GuessPolicy
from perse.storage.absence import user_not_found
from perse.storage.database import Database
from perse.storage.schema import Row, subjects
from perse.storage.sealing import Owner
from perse.storage.template_rows import is_subject


@dataclass(frozen=True, slots=True)
class SqlGuesses:
    database: Database
    policy: GuessPolicy

    def check(self, tenant_id: TenantId, user_token: UserToken, *, at: datetime) -> None:
        """Raises RateLimited or ReferenceLocked, and UserTokenNotFound."""
        with self.database.read() as connection:
            _guesses(connection, tenant_id, user_token).check(self.policy, at)

    def record(
        self, tenant_id: TenantId, user_token: UserToken, guess: Guess, *, at: datetime
    ) -> None:
        """Count one comparison before its score is told.

        Raises as ``check`` when others' failures closed the user meanwhile: many guesses sent at
        once learn no more than guesses sent one by one. What changes no count writes nothing.
        """
        with self.database.read() as connection:
            before = _guesses(connection, tenant_id, user_token)
        if not guess.failed and before.after(guess, policy=self.policy, now=at) == before:
            before.check(self.policy, at)
            return
        with self.database.write() as connection:
            now = _guesses(connection, tenant_id, user_token, hold=True)
            now.check(self.policy, at)
            after = now.after(guess, policy=self.policy, now=at)
            connection.execute(_update(tenant_id, user_token, after))

    def unlock(self, tenant_id: TenantId, user_token: UserToken) -> None:
        """Forget every failure. Raises UserTokenNotFound."""
        with self.database.write() as connection:
            _guesses(connection, tenant_id, user_token, hold=True)
            connection.execute(_update(tenant_id, user_token, Guesses()))

    def of(self, tenant_id: TenantId, user_token: UserToken) -> Guesses:
        """Raises UserTokenNotFound."""
        with self.database.read() as connection:
            return _guesses(connection, tenant_id, user_token)


def _guesses(
    connection: sa.Connection, tenant_id: TenantId, user_token: UserToken, *, hold: bool = False
) -> Guesses:
    query = sa.select(
        subjects.c.failures_in_row,
        subjects.c.voice_failures_in_row,
        subjects.c.failures_total,
        subjects.c.blocked_until,
    ).where(is_subject(Owner(tenant_id, user_token)))
    row: Row | None = connection.execute(query.with_for_update() if hold else query).one_or_none()
    if row is None:
        raise user_not_found()
    return Guesses(
        row.failures_in_row, row.voice_failures_in_row, row.failures_total, row.blocked_until
    )


def _update(tenant_id: TenantId, user_token: UserToken, guesses: Guesses) -> sa.Update:
    return (
        sa.update(subjects)
        .where(is_subject(Owner(tenant_id, user_token)))
        .values(
            failures_in_row=guesses.faces,
            voice_failures_in_row=guesses.voices,
            failures_total=guesses.total,
            blocked_until=guesses.blocked_until,
        )
    )
