"""Receipts of destruction, kept so that they can be asked for again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from perse.domain.access import TenantId
from perse.domain.receipts import Destruction, DestructionEvent, Receipt, ReceiptSigner
from perse.storage.audit_log import SqlAuditLog
from perse.storage.database import Database
from perse.storage.schema import Row, receipts


@dataclass(frozen=True, slots=True)
class SqlReceipts:
    """Signed by ``signer``; they hold hashes of tokens, never tokens, and note how long the audit
    log was."""

    database: Database
    signer: ReceiptSigner
    audit_log: SqlAuditLog

    def issue_in(self, connection: sa.Connection, destruction: Destruction) -> Receipt:
        """Sign and keep a receipt in the transaction that destroys."""
        audit = self.audit_log.head_in(connection)
        claims = replace(destruction, audit=audit).claims()
        receipt = Receipt(
            receipt_id=str(claims["jti"]),
            tenant_id=destruction.tenant_id,
            event=destruction.event,
            subject_sha256=destruction.subject_sha256,
            issued_at=destruction.at,
            jws=self.signer.sign(claims),
        )
        row = {name: getattr(receipt, name) for name in Receipt.__slots__}
        connection.execute(sa.insert(receipts), row | {"event": receipt.event.value})
        return receipt

    def list(
        self, *, tenant_id: TenantId | None = None, subject_sha256: str | None = None
    ) -> Sequence[Receipt]:
        """Every receipt, or those of one tenant or one token's hash, the oldest first."""
        query = sa.select(receipts).order_by(receipts.c.issued_at, receipts.c.receipt_id)
        if tenant_id is not None:
            query = query.where(receipts.c.tenant_id == tenant_id)
        if subject_sha256 is not None:
            query = query.where(receipts.c.subject_sha256 == subject_sha256)
        with self.database.read() as connection:
            return [_receipt(row) for row in connection.execute(query)]


def _receipt(row: Row) -> Receipt:
    return Receipt(**row._asdict() | {"event": DestructionEvent(row.event)})
