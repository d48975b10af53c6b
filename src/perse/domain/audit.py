"""The audit log: who changed who may do what, or what is kept, in one chain.

Nothing biometric and no secret is in it. A person stands there as the user token of an export.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self

from perse.domain.access import Caller, TenantId
from perse.domain.chains import Chain, Link

DONE = "done"
BEGUN = "begun"


class Act(StrEnum):
    """What is written down when somebody does it. ``SERVE``: a server starts on other terms than
    the last one did: version, networks, thresholds, consent, retention; ``SCHEMA``: the database
    has another schema than when it was opened last."""

    SCHEMA = "schema"
    SERVE = "serve"

    KEY_CREATE = "key_create"
    KEY_PERMIT = "key_permit"
    KEY_ROTATE = "key_rotate"
    KEY_REVOKE = "key_revoke"
    QUOTA_SET = "quota_set"
    TENANT_DELETE = "tenant_delete"
    SECRETS_ROTATE = "secrets_rotate"
    POINTS_SET = "points_set"
    POINTS_ROLL_BACK = "points_roll_back"
    SUBJECT_EXPORT = "subject_export"
    LEDGER_EXPORT = "ledger_export"
    SUBJECTS_IMPORT = "subjects_import"
    SUBJECT_DELETE = "subject_delete"
    SUBJECT_UNLOCK = "subject_unlock"
    PURGE = "purge"
    BULK_ENROL = "bulk_enrol"
    BULK_MOVE = "bulk_move"
    BULK_PLAINTEXT = "bulk_plaintext"
    BULK_FORGET = "bulk_forget"


class ActorKind(StrEnum):
    """``COMMAND``: somebody at the command line; ``KEY``: an API key over HTTP; ``SERVER``: the
    server by itself."""

    COMMAND = "command"
    KEY = "key"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Actor:
    """``name``: the system's user and host, or the id of an API key."""

    kind: str
    name: str

    @classmethod
    def of(cls, caller: Caller) -> Self:
        """Whoever calls over HTTP."""
        return cls(ActorKind.KEY, caller.key_id)


@dataclass(frozen=True, slots=True)
class Deed:
    """What is done on what: ``target`` in words that the operator knows. ``tenant_id``: whose it
    is, None = the installation's; ``details``: names and numbers."""

    act: str
    target: str = ""
    tenant_id: TenantId | None = None
    details: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """``outcome``: done, else the code of the error that it ended with. Then nothing was done,
    but where the act is of many transactions: those stand here when they are begun, and when they
    end with how much was done; without an end they were cut off."""

    at: datetime
    actor: Actor
    deed: Deed
    outcome: str = DONE


AuditLink = Link[AuditEntry]


def audit_chain(key: bytes) -> Chain[AuditEntry]:
    """The audit log's, keyed."""
    return Chain("audit log", _facts, key)


def details_text(details: Mapping[str, str | int]) -> str:
    """As they are kept and hashed."""
    return json.dumps(dict(details), sort_keys=True)


def _facts(entry: AuditEntry) -> Sequence[object]:
    return (
        entry.at.isoformat(timespec="microseconds"),
        entry.actor.kind,
        entry.actor.name,
        entry.deed.act,
        entry.deed.target,
        entry.deed.tenant_id,
        details_text(entry.deed.details),
        entry.outcome,
    )
