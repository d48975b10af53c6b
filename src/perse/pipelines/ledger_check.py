"""The consent ledger held against what was noted of it elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from perse.domain.consent import ChainPoint
from perse.domain.receipts import Receipt, ReceiptSigner, noted_in
from perse.errors import InvalidParameter
from perse.pipelines.reference_ports import ReceiptRecords


class LedgerChain(Protocol):
    def problems(self) -> Iterable[str]:
        """What is wrong with the chain itself, a sentence each."""
        ...

    def point(self, seq: int) -> ChainPoint | None:
        """The chain at entry ``seq``."""
        ...


@dataclass(frozen=True, slots=True)
class CheckLedger:
    """Use case: what is wrong with the consent ledger, also against what receipts and ``anchors``,
    noted before, say of it. A sentence each; nothing when all is well."""

    ledger: LedgerChain
    receipts: ReceiptRecords
    signer: ReceiptSigner

    def __call__(self, anchors: Iterable[ChainPoint]) -> Iterator[str]:
        yield from self.ledger.problems()
        noted = list(anchors)
        for receipt in self.receipts.list():
            point = self._noted_in(receipt)
            if point is None:
                yield f"receipt {receipt.receipt_id} was changed or is not signed by a known key"
            else:
                noted.append(point)
        for point in noted:
            if self.ledger.point(point.seq) != point:
                yield f"entry {point.seq} is not the one that was noted before"

    def _noted_in(self, receipt: Receipt) -> ChainPoint | None:
        try:
            claims = self.signer.verify(receipt.jws)
        except InvalidParameter:
            return None
        return noted_in(claims) if claims.get("jti") == receipt.receipt_id else None
