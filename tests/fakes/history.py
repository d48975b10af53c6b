"""What is held about people, of fakes of storage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from perse.auth.api_keys import utc_now
from perse.domain.access import TenantId
from perse.domain.consent import ChainedEntry, consent_chain
from perse.domain.receipts import Receipt
from perse.domain.references import UserToken
from perse.domain.throttling import Guesses
from perse.pipelines.audit import Acts
from perse.pipelines.consent import RecordConsent
from perse.pipelines.reference_ports import Now
from perse.pipelines.subject_export import ExportSubject, SessionRecords
from perse.pipelines.subject_ledger import ShowLedger, recent_check
from tests.fakes.audit import FakeAuditLog
from tests.fakes.liveness_sessions import FakeLivenessSessions
from tests.fakes.storage import FakeReferences
from tests.fakes.subjects import FakeCollections, FakeSamples, FakeSubjects


@dataclass
class Held:
    """What a subject export asks for, and the ledger by pages."""

    store: FakeReferences

    def owners(self, user_token: UserToken) -> Sequence[TenantId]:
        return [tenant for tenant, token in self.store.people if token == user_token]

    def of(self, tenant_id: TenantId, user_token: UserToken) -> Guesses:
        return self.store.failed.get((tenant_id, user_token), Guesses())

    def entries(
        self, *, tenant_id: TenantId | None = None, user_token: UserToken | None = None
    ) -> Sequence[ChainedEntry]:
        return [
            link
            for link in self.store.ledger.links
            if link.entry.user_token == user_token and tenant_id in {None, link.entry.tenant_id}
        ]

    def page(
        self, tenant_id: TenantId, user_token: UserToken, *, after: int, limit: int
    ) -> Sequence[ChainedEntry]:
        links = self.entries(tenant_id=tenant_id, user_token=user_token)
        return [link for link in links if link.point.seq > after][:limit]

    def intact(self, link: ChainedEntry) -> bool:
        return consent_chain(self.store.ledger.key).intact(link)

    def list(
        self, *, tenant_id: TenantId | None = None, subject_sha256: str | None = None
    ) -> Sequence[Receipt]:
        return [
            it
            for it in self.store.receipts
            if it.subject_sha256 == subject_sha256 and tenant_id in {None, it.tenant_id}
        ]


def exporter(
    store: FakeReferences,
    now: Now = utc_now,
    sessions: SessionRecords | None = None,
    acts: Acts | None = None,
) -> ExportSubject:
    held, sessions = Held(store), sessions or FakeLivenessSessions(store)
    consent = RecordConsent(store.ledger, now, purpose="testing")
    subjects, samples = FakeSubjects(store, FakeCollections(store)), FakeSamples(store)
    acts = acts or FakeAuditLog()
    return ExportSubject(held, subjects, samples, held, held, held, sessions, consent, acts, now)


@dataclass
class FakeHistory:
    store: FakeReferences
    sessions: SessionRecords

    def __post_init__(self) -> None:
        subjects = FakeSubjects(self.store, FakeCollections(self.store))
        self.ledger = ShowLedger(subjects, Held(self.store))
        self.check = recent_check(partial(_problems, self.store), utc_now)
        self.audit = FakeAuditLog()
        self.export = exporter(self.store, sessions=self.sessions, acts=self.audit)


def _problems(store: FakeReferences, _: object) -> Sequence[str]:
    return list(store.ledger.problems())
