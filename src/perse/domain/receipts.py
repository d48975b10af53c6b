"""Receipts of destruction: what was destroyed, and when, signed so that anyone can check it."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from perse.domain.access import TenantId
from perse.domain.chains import ChainPoint


class DestructionEvent(StrEnum):
    DELETED = "reference_deleted"
    SAMPLE_DELETED = "sample_deleted"
    EXPIRED = "reference_expired"
    TENANT_DELETED = "tenant_deleted"


@dataclass(frozen=True, slots=True)
class Destruction:
    """``subject_sha256``: of the user token, or of the sorted token hashes of a whole tenant;
    ``samples_sha256``: where samples of the subject went, of their identifiers; ``ledger``: the
    entry that records it; ``audit``: where the audit log ended."""

    event: DestructionEvent
    tenant_id: TenantId
    subject_sha256: str
    destroyed: Mapping[str, int]
    at: datetime
    ledger: ChainPoint
    samples_sha256: Sequence[str] = ()
    audit: ChainPoint | None = None

    def claims(self) -> Mapping[str, object]:
        """What is signed. One sample is ``sample_sha256``, several are a list."""
        named = list(self.samples_sha256)
        sample = {"sample_sha256": named[0]} if len(named) == 1 else {"samples_sha256": named}
        return {
            "jti": str(uuid.uuid4()),
            "iat": int(self.at.timestamp()),
            "event": self.event.value,
            "tenant": self.tenant_id,
            "subject_sha256": self.subject_sha256,
            **(sample if named else {}),
            "destroyed": dict(self.destroyed),
            "destroyed_at": self.at.isoformat(timespec="microseconds"),
            "ledger": _noted(self.ledger),
            **({"audit": _noted(self.audit)} if self.audit else {}),
        }


@dataclass(frozen=True, slots=True)
class Receipt:
    """``jws``: compact serialisation (RFC 7515)."""

    receipt_id: str
    tenant_id: TenantId
    event: DestructionEvent
    subject_sha256: str
    issued_at: datetime
    jws: str


class ReceiptSigner(Protocol):
    def sign(self, claims: Mapping[str, object]) -> str:
        """Compact JWS over ``claims``."""
        ...

    def verify(self, jws: str) -> Mapping[str, object]:
        """The claims. Raises InvalidParameter for what no key of the list has signed."""
        ...


def noted_in(claims: Mapping[str, object], *, chain: str = "ledger") -> ChainPoint | None:
    """The entry of the ledger, or of the audit log, that a receipt's claims name; None where they
    name none."""
    noted = claims.get(chain)
    if not isinstance(noted, dict):
        return None
    return ChainPoint(int(noted["seq"]), bytes.fromhex(str(noted["hash"])))


def _noted(point: ChainPoint) -> Mapping[str, str | int]:
    return {"seq": point.seq, "hash": point.hash.hex()}


def token_sha256(user_token: str) -> str:
    """Hexadecimal; names a user in a receipt without telling the token."""
    return hashlib.sha256(user_token.encode()).hexdigest()


def all_tokens_sha256(user_tokens: Iterable[str]) -> str:
    """One hash for many users: of their sorted hashes, one a line."""
    lines = sorted(token_sha256(token) for token in user_tokens)
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
