"""The consent ledger: who asked for which processing under which declaration, in one chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from perse.domain.access import KeyId, TenantId
from perse.domain.chains import Chain, Link
from perse.domain.references import UserToken


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


ChainedEntry = Link[ConsentEntry]


def consent_chain(key: bytes) -> Chain[ConsentEntry]:
    """The ledger's, keyed."""
    return Chain("ledger", _facts, key)


def _facts(entry: ConsentEntry) -> Sequence[object]:
    return (
        entry.at.isoformat(timespec="microseconds"),
        entry.tenant_id,
        entry.key_id,
        entry.operation,
        entry.declaration,
        entry.user_token,
        entry.purpose,
    )
