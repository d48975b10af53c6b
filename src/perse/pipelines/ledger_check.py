"""The consent ledger and the audit log held against what was noted of them elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from perse.domain.chains import ChainPoint
from perse.domain.receipts import Receipt, ReceiptSigner
from perse.errors import InvalidParameter
from perse.pipelines.reference_ports import ReceiptRecords


class NotedChain(Protocol):
    def problems(self) -> Iterable[str]:
        """What is wrong with the chain itself, a sentence each."""
        ...

    def point(self, seq: int) -> ChainPoint | None:
        """The chain at entry ``seq``."""
        ...


@dataclass(frozen=True, slots=True)
class CheckChain:
    """Use case: what is wrong with a chain, also against what receipts and ``anchors``, noted
    before, say of it. A sentence each; nothing when all is well. ``noted_in``: the entry that a
    receipt's claims name; None where they name none."""

    chain: NotedChain
    receipts: ReceiptRecords
    signer: ReceiptSigner
    noted_in: Callable[[Mapping[str, object]], ChainPoint | None]

    def __call__(self, anchors: Iterable[ChainPoint]) -> Iterator[str]:
        yield from self.chain.problems()
        noted = list(anchors)
        for receipt in self.receipts.list():
            claims = self._claims(receipt)
            if claims is None:
                yield f"receipt {receipt.receipt_id} was changed or is not signed by a known key"
            elif point := self.noted_in(claims):
                noted.append(point)
        for point in noted:
            if point.seq and self.chain.point(point.seq) != point:
                yield f"entry {point.seq} is not the one that was noted before"

    def _claims(self, receipt: Receipt) -> Mapping[str, object] | None:
        try:
            claims = self.signer.verify(receipt.jws)
        except InvalidParameter:
            return None
        return claims if claims.get("jti") == receipt.receipt_id else None
