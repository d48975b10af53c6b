"""Everything that the application asks of the composition root."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from starlette.types import ASGIApp

from perse.api.app import create_app
from perse.auth.api_keys import ApiKeys, utc_now
from perse.auth.authenticator import Authenticator
from perse.auth.session_tokens import SessionTokens
from perse.auth.signing_keys import SigningKey, SigningKeys
from perse.bootstrap.examination import Finding, State
from perse.domain.samples import ModelName
from perse.evaluation.shelf import EvaluationShelf
from perse.pipelines.call_limits import CallLimits
from perse.pipelines.consent import RecordConsent
from perse.pipelines.quotas import Allowances
from perse.settings import Settings
from perse.weights.cards import ModelCard, Role
from perse.weights.catalogue import load_catalog
from tests.fakes.enrolment import FakeCallBuckets, FakeEnrolment
from tests.fakes.faces import MODELS, FakeFaces
from tests.fakes.history import FakeHistory
from tests.fakes.keys import MemoryKeys
from tests.fakes.liveness import FakeLiveness
from tests.fakes.quotas import FakeQuotas
from tests.fakes.searching import FakeSearching
from tests.fakes.storage import FakeClock, FakeLedger, FakeReferences
from tests.fakes.subject_services import FakeSubjectServices
from tests.fakes.voices import FakeVoices


def settings(**changes: object) -> Settings:
    """Settings of a small server, whatever the environment says."""
    return Settings.model_validate({"workers": 2, "queue_size": 2, **changes})


@cache
def shipped_cards() -> Mapping[Role, ModelCard]:
    return load_catalog().cards_of("standard")


@dataclass
class FakeServices:
    """Everything the app asks of the composition root, with one API key ready. ``spread``:
    searches are on machines."""

    settings: Settings = field(default_factory=settings)
    faces: FakeFaces = field(default_factory=FakeFaces)
    voices: FakeVoices | None = field(default_factory=FakeVoices)
    store: MemoryKeys = field(default_factory=MemoryKeys)
    pack: str = "fake"
    models: Mapping[str, ModelName] = field(default_factory=lambda: MODELS)
    cards: Mapping[Role, ModelCard] = field(default_factory=shipped_cards)
    evaluations: EvaluationShelf = EvaluationShelf(Path("no folder"))  # noqa: RUF009
    findings: Sequence[Finding] = (Finding("database", State.OK, "1 active API key"),)
    warmed: threading.Event = field(default_factory=threading.Event)
    closed: bool = False
    spread: bool = False

    def __post_init__(self) -> None:
        self.keys = ApiKeys(self.store)
        self.signing_keys = SigningKeys((SigningKey.generate(),))
        self.authenticator = Authenticator(self.keys, SessionTokens(self.signing_keys))
        self.first_key, self.api_key = self.keys.create("first")
        self.ledger = FakeLedger()
        self.consent = RecordConsent(
            self.ledger,
            utc_now,
            required=self.settings.consent == "required",
            purpose=self.settings.consent_purpose,
        )
        self.references = FakeReferences(self.ledger)
        self.enrolment = FakeEnrolment(
            self.consent, self.references, self.faces, self.faces.thresholds
        )
        self.searching = FakeSearching(self.faces, self.voices)
        if self.spread:
            self.searching.spread()
        self.subjects = FakeSubjectServices(
            self.consent, self.references, self.faces, self.voices, self.searching.duplicates
        )
        self.clock = FakeClock()
        self.liveness = FakeLiveness(
            self.consent, self.subjects, self.faces, self.keys, self.signing_keys, self.clock
        )
        self.history = FakeHistory(self.references, self.liveness.store)
        self.buckets = FakeCallBuckets()
        self.call_limits = CallLimits(self.buckets, utc_now)
        self.quota_counts = FakeQuotas()
        self.quotas = Allowances(self.quota_counts, utc_now)

    def examine(self) -> Sequence[Finding]:
        return self.findings

    def warm(self) -> None:
        self.warmed.set()

    def close(self) -> None:
        self.searching.close()
        self.closed = True


def app_over(services: FakeServices) -> ASGIApp:
    return create_app(services, services.settings)
