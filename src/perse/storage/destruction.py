"""The end of subjects and of single samples, with the proof of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from perse.domain.chains import ChainPoint
from perse.domain.consent import ConsentEntry
from perse.domain.receipts import Destruction, DestructionEvent, Receipt, token_sha256
from perse.domain.references import SampleId, UserToken
from perse.storage.changes import Change, note_change
from perse.storage.database import Database
from perse.storage.ledger import SqlLedger
from perse.storage.liveness_rows import forget_sessions
from perse.storage.receipts import SqlReceipts
from perse.storage.retry_keys import forget_requests
from perse.storage.schema import collection_members, subjects, templates
from perse.storage.sealing import Owner
from perse.storage.subject_rows import check_version, insist_on_subject
from perse.storage.template_rows import lock_tenant, subject_id_of


@dataclass(frozen=True, slots=True)
class DestroySubjects:
    """What is destroyed is gone from every file of SQLite when a call returns."""

    database: Database
    ledger: SqlLedger
    receipts: SqlReceipts

    def subject(
        self,
        user_token: UserToken,
        *,
        entry: ConsentEntry,
        event: DestructionEvent = DestructionEvent.DELETED,
        not_updated_since: datetime | None = None,
        if_version: int | None = None,
    ) -> Receipt:
        """Destroy a subject with all templates and data keys.

        Raises UserTokenNotFound, ChangedMeanwhile.
        """
        owner = Owner(entry.tenant_id, user_token)
        with self.database.read() as connection:  # a guess costs nobody a turn at writing
            insist_on_subject(connection, owner)
        with self.database.write_and_erase() as connection:
            lock_tenant(connection, owner.tenant_id)
            subject_id = subject_id_of(connection, owner, before=not_updated_since)
            check_version(connection, subject_id, if_version)
            gone = connection.execute(
                sa.delete(templates).where(templates.c.subject_id == subject_id)
            ).rowcount
            for table in (collection_members, subjects):
                connection.execute(sa.delete(table).where(table.c.subject_id == subject_id))
            forget_requests(connection, owner)
            forget_sessions(connection, owner)
            note_change(connection, owner, Change.REMOVED, more_templates=-gone)
            noted = self.ledger.append_in(connection, [entry])
            return self.receipt_in(connection, entry, event, templates=gone, noted=noted)

    def receipt_in(
        self,
        connection: sa.Connection,
        entry: ConsentEntry,
        event: DestructionEvent,
        *,
        templates: int,
        noted: ChainPoint,
        sample_ids: Sequence[SampleId] = (),
    ) -> Receipt:
        """The proof that so many templates of ``entry``'s user are gone when the transaction is
        through. ``sample_ids``: which, where the user stays."""
        return self.receipts.issue_in(
            connection,
            Destruction(
                event=event,
                tenant_id=entry.tenant_id,
                subject_sha256=token_sha256(entry.user_token or ""),
                samples_sha256=[*map(token_sha256, sample_ids)],
                destroyed={"templates": templates, "data_keys": templates},
                at=entry.at,
                ledger=noted,
            ),
        )
