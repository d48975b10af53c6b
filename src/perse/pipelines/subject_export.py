"""What is held about a person, for that person (GDPR article 15, LGPD article 18)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol

from perse.domain.access import Caller, TenantId
from perse.domain.audit import Act, Deed
from perse.domain.consent import ChainedEntry, Declaration, Processing
from perse.domain.liveness_sessions import LivenessSession
from perse.domain.receipts import token_sha256
from perse.domain.references import BiometricReference, Template, UserToken
from perse.domain.throttling import Guesses
from perse.errors import UserTokenNotFound
from perse.pipelines.audit import Acts
from perse.pipelines.consent import RecordConsent
from perse.pipelines.reference_ports import (
    Now,
    Owners,
    ReceiptRecords,
)
from perse.pipelines.subject_ports import SampleStore, SubjectStore

Document = Mapping[str, Any]


class GuessRecords(Protocol):
    def of(self, tenant_id: TenantId, user_token: UserToken) -> Guesses: ...


class SessionRecords(Protocol):
    def of(self, tenant_id: TenantId, user_token: UserToken) -> Sequence[LivenessSession]: ...


class LedgerRecords(Protocol):
    def entries(
        self, *, tenant_id: TenantId | None = None, user_token: UserToken | None = None
    ) -> Iterable[ChainedEntry]: ...


@dataclass(frozen=True, slots=True)
class ExportSubject:
    """Use case: everything held about one user, the templates too. The export is recorded, in the
    consent ledger where there is still a user, and in the audit log.

    Raises UserTokenNotFound when nothing at all is known of the token.
    """

    tenants: Owners
    subjects: SubjectStore
    samples: SampleStore
    guesses: GuessRecords
    ledger: LedgerRecords
    receipts: ReceiptRecords
    sessions: SessionRecords
    consent: RecordConsent
    acts: Acts
    now: Now

    def __call__(self, user_token: UserToken, *, caller: Caller | None = None) -> Document:
        """``caller``: who asks, and is told of its tenant alone; None is the operator."""
        tenant_id = caller.tenant_id if caller else None
        owners = [it for it in self.tenants.owners(user_token) if tenant_id in {None, it}]
        links = self.ledger.entries(tenant_id=tenant_id, user_token=user_token)
        entries = [exported_entry(link) for link in links]
        subject = token_sha256(user_token)
        receipts = self.receipts.list(tenant_id=tenant_id, subject_sha256=subject)
        if not owners and not entries and not receipts:
            raise UserTokenNotFound(f"nothing is held about {user_token}")
        key_id = caller.key_id if caller else None
        for owner in owners:
            entry = self.consent.entry_of(
                owner, key_id, Processing.EXPORT, Declaration.NOT_NEEDED, user_token
            )
            self.consent.begin(entry).result()
        of: Sequence[TenantId | None] = owners or [tenant_id]
        for whose in of:
            self.acts.note(Deed(Act.SUBJECT_EXPORT, user_token, whose), caller=caller)
        return {
            "user_token": user_token,
            "exported_at": self.now().isoformat(),
            "subjects": [self._held(owner, user_token) for owner in owners],
            "consent_ledger": entries,
            "receipts": [receipt.jws for receipt in receipts],
        }

    def _held(self, tenant_id: TenantId, user_token: UserToken) -> Document:
        subject = self.subjects.get(tenant_id, user_token)
        guesses = self.guesses.of(tenant_id, user_token)
        samples = self.samples.references(tenant_id, user_token)
        return {
            "tenant": tenant_id,
            "external_id": subject.external_id,
            "collections": sorted(subject.collections),
            "enrolled_at": subject.created_at.isoformat(),
            "updated_at": subject.updated_at.isoformat(),
            "failed_comparisons": {"in_a_row": guesses.in_row, "in_total": guesses.total},
            "samples": [exported_sample(sample) for sample in samples],
            "liveness_sessions": [
                exported_session(it, self.now()) for it in self.sessions.of(tenant_id, user_token)
            ],
        }


def exported_sample(sample: BiometricReference) -> Document:
    """A face or a voice, with its template."""
    record = sample.record
    return {
        "id": record.name,
        "modality": str(record.modality),
        "captured_at": record.updated_at.isoformat(),
        "quality": dict(record.quality),
        "template": exported_template(sample.template),
    }


def exported_session(session: LivenessSession, now: datetime) -> Document:
    """A liveness session that is not forgotten yet, as the backend could read it."""
    order, outcome = session.order, session.came_to(now)
    moments = {"started_at": session.started_at, "ended_at": session.ended_at}
    known: dict[str, Any] = {
        "correlation_id": order.correlation_id,
        "origin": order.origin,
        "verdict": session.verdict,
        "outcome": None if outcome is None else without_nothing(asdict(outcome)),
        **{name: at.isoformat() for name, at in moments.items() if at is not None},
    }
    return {
        "id": session.session_id,
        "kind": str(order.kind),
        "state": str(session.state(now)),
        "on_pass": str(order.on_pass),
        "key_id": session.key_id,
        "declaration": str(session.declaration),
        "created_at": session.created_at.isoformat(),
        "expires_at": session.expires_at.isoformat(),
        **without_nothing(known),
    }


def without_nothing(document: Document) -> Document:
    """Without what is not there."""
    return {key: value for key, value in document.items() if value is not None}


def exported_template(template: Template) -> Document:
    """All that is kept of it."""
    exported: dict[str, Any] = {
        "model": template.model,
        "values": [float(value) for value in template.vector],
    }
    if template.traits:
        exported["feature_length"] = template.traits.length
        exported["mirror_cosine"] = template.traits.mirror_cosine
    return exported


def exported_entry(link: ChainedEntry) -> Document:
    """An entry of the ledger in words."""
    entry = link.entry
    return {
        "seq": link.point.seq,
        "at": entry.at.isoformat(),
        "tenant": entry.tenant_id,
        "key_id": entry.key_id,
        "operation": str(entry.operation),
        "declaration": str(entry.declaration),
        "user_token": entry.user_token,
        "purpose": entry.purpose,
        "hash": link.point.hash.hex(),
    }
