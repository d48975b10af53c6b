"""The consent ledger: who asked for which processing under which declaration, chained by hashes.

Each entry's hash covers the one before, so that a change, an insertion or a removal shows. The hash
is keyed (HMAC-SHA-256, RFC 2104): who can write to the database cannot forge the chain anew.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from perse.domain.access import KeyId, TenantId
from perse.domain.references import UserToken
from perse.errors import InvalidParameter


class Declaration(StrEnum):
    """What the caller declared about the end user's consent."""

    GIVEN = "given"
    ABSENT = "absent"
    REFUSED = "refused"
    NOT_NEEDED = "not_needed"


class Processing(StrEnum):
    """What was done with what is biometric, or with what is kept of it."""

    FACE_DETECT = "face_detect"
    FACE_COMPARE = "face_compare"
    FACE_VERIFY = "face_verify"
    VOICE_COMPARE = "voice_compare"
    VOICE_INSPECT = "voice_inspect"
    ENROL = "face_enrol"
    UPDATE = "face_update"
    MOVE = "face_move"
    DELETE = "face_delete"
    EXPIRE = "face_expire"
    SUBJECT_CREATE = "subject_create"
    SUBJECT_CHANGE = "subject_change"
    SUBJECT_VERIFY = "subject_verify"
    VOICE_ENROL = "voice_enrol"
    SAMPLE_DELETE = "sample_delete"
    COLLECTION_CHANGE = "collection_change"
    IDENTIFY = "identify"
    EXPORT = "subject_export"
    TENANT_DELETE = "tenant_delete"
    LIVENESS_OPEN = "liveness_open"
    LIVENESS_CHECK = "liveness_check"
    LIVENESS_VERIFY = "liveness_verify"
    LIVENESS_ENROL = "liveness_enrol"


@dataclass(frozen=True, slots=True)
class ConsentEntry:
    """One call. ``operation`` and ``declaration`` are texts of Processing and Declaration;
    ``key_id`` is None for what the server or its operator does."""

    at: datetime
    tenant_id: TenantId
    key_id: KeyId | None
    operation: str
    declaration: str
    user_token: UserToken | None = None
    purpose: str | None = None


@dataclass(frozen=True, slots=True)
class ChainPoint:
    """A place in the chain: ``seq`` counts from 1; 0 is the empty ledger, whose hash is zeros."""

    seq: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash.hex()}"

    @classmethod
    def parse(cls, text: str) -> ChainPoint:
        """What ``str`` makes. Raises InvalidParameter."""
        seq, _, digest = text.partition(":")
        try:
            return cls(int(seq), bytes.fromhex(digest))
        except ValueError:
            raise InvalidParameter(
                f"{text!r} is no SEQ:HASH as perse consent verify prints it"
            ) from None


CHAIN_START = ChainPoint(0, bytes(32))


@dataclass(frozen=True, slots=True)
class ChainedEntry:
    entry: ConsentEntry
    previous: bytes
    point: ChainPoint


def chain(
    entries: Iterable[ConsentEntry], *, after: ChainPoint, key: bytes
) -> Iterator[ChainedEntry]:
    """``entries`` as they follow ``after``."""
    for entry in entries:
        point = ChainPoint(after.seq + 1, _hash(entry, after, key))
        yield ChainedEntry(entry, after.hash, point)
        after = point


def intact(link: ChainedEntry, *, key: bytes) -> bool:
    """Whether an entry is the one that was written in its place."""
    before = ChainPoint(link.point.seq - 1, link.previous)
    return hmac.compare_digest(link.point.hash, _hash(link.entry, before, key))


def broken_links(ledger: Iterable[ChainedEntry], *, head: ChainPoint, key: bytes) -> Iterator[str]:
    """What is wrong with a ledger read from its start, a sentence each; else nothing."""
    last = CHAIN_START
    for link in ledger:
        if link.point.seq != last.seq + 1:
            yield _gap(last.seq + 1, link.point.seq)
        if link.previous != last.hash and link.point.seq == last.seq + 1:
            yield f"entry {link.point.seq} does not follow the entry before it"
        if not intact(link, key=key):
            yield f"entry {link.point.seq} was changed or did not come from this server"
        last = link.point
    if last != head:
        yield f"the ledger ends at entry {last.seq}, but its last entry was {head.seq}"


def _gap(expected: int, found: int) -> str:
    if found <= expected:
        return f"entry {found} appears out of its place"
    missing = f"entry {expected}" if found == expected + 1 else f"entries {expected} to {found - 1}"
    return f"{missing} removed"


def _hash(entry: ConsentEntry, before: ChainPoint, key: bytes) -> bytes:
    content = json.dumps(
        [
            before.seq + 1,
            before.hash.hex(),
            entry.at.isoformat(timespec="microseconds"),
            entry.tenant_id,
            entry.key_id,
            entry.operation,
            entry.declaration,
            entry.user_token,
            entry.purpose,
        ]
    )
    return hmac.new(key, content.encode(), hashlib.sha256).digest()
