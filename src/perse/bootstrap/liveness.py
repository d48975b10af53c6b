"""Liveness sessions over opened face pipelines, subjects and storage."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from perse.auth.api_keys import utc_now
from perse.auth.liveness_tokens import ClientTokens
from perse.auth.liveness_verdicts import JwsVerdictSigner
from perse.bootstrap.enrolment import retry_names
from perse.bootstrap.faces import FaceServices
from perse.bootstrap.ground import Ground
from perse.bootstrap.subjects import SubjectServices
from perse.chores import Chore
from perse.domain.consent import Processing
from perse.domain.retries import NameRetry
from perse.domain.session_frames import (
    GivenPrompt,
    ObservedFrame,
    SessionJudgement,
    SessionKind,
    SessionPoints,
)
from perse.domain.session_judgement import SessionRules, judge
from perse.domain.session_plan import Choose, judgeable_kinds
from perse.imaging.parallax import FaceTracker
from perse.pipelines.consent import RecordConsent
from perse.pipelines.liveness_frames import FrameSensing
from perse.pipelines.liveness_ports import SessionStore
from perse.pipelines.liveness_sessions import ConcludeSession, OpenSession, StartSession
from perse.pipelines.reference_ports import Now
from perse.settings import Settings
from perse.storage.storage import Storage
from perse.weights.liveness_sessions import shipped_session_rules

_FORGET_EVERY_S = 600.0
_KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LivenessServices:
    """``forgetting`` drops sessions a day after they expired, until it is closed. ``retry_key``
    names a request that may come twice."""

    open: OpenSession
    store: SessionStore
    start: StartSession
    conclude: ConcludeSession
    tokens: ClientTokens
    sensing: FrameSensing
    rules: SessionRules
    choose: Choose
    now: Now
    clock_s: Callable[[], float]
    public_url: str | None
    forgetting: Chore
    retry_key: NameRetry = field(repr=False)

    @property
    def points(self) -> SessionPoints:
        """What the rules allow."""
        return self.rules.points

    def judge(
        self,
        kind: SessionKind,
        prompts: Sequence[GivenPrompt],
        frames: Sequence[ObservedFrame],
    ) -> SessionJudgement:
        """Whether a person was there, by all that was seen."""
        return judge(kind, prompts, frames, self.rules)

    def close(self) -> None:
        self.forgetting.close()


def wire_liveness(
    settings: Settings,
    subjects: SubjectServices,
    storage: Storage,
    consent: RecordConsent,
    ground: Ground,
) -> LivenessServices:
    """Start forgetting, too, at once and then every ten minutes."""
    sessions, sensing, key = storage.sessions, _sensing(ground.faces), storage.keys.get
    attacks, signing_keys = ground.on_disk.cards.get("face_attack_detector"), ground.signing_keys
    rules = shipped_session_rules(sensing.scale, attacks)
    kinds = judgeable_kinds(attacks_detected=attacks is not None)

    return LivenessServices(
        open=OpenSession(sessions, storage.samples, consent, kinds),
        store=sessions,
        start=StartSession(sessions, key, consent),
        conclude=ConcludeSession(
            sessions=sessions,
            verify=subjects.verify,
            add_face=replace(subjects.add_face, processing=Processing.LIVENESS_ENROL),
            key=key,
            signer=JwsVerdictSigner(signing_keys),
            consent=consent,
            points=rules.points,
            models=sensing.models,
            now=utc_now,
        ),
        tokens=ClientTokens(signing_keys),
        sensing=sensing,
        rules=rules,
        choose=random.SystemRandom().choice,
        now=utc_now,
        clock_s=time.monotonic,
        public_url=settings.public_url,
        forgetting=_forgetting(sessions),
        retry_key=retry_names(storage),
    )


def _forgetting(sessions: SessionStore) -> Chore:
    def forget() -> None:
        sessions.forget(before=utc_now() - _KEPT)

    return Chore(forget, every_s=_FORGET_EVERY_S, name="perse-sessions")


def _sensing(faces: FaceServices) -> FrameSensing:
    return FrameSensing(
        decode=faces.decode,
        find=faces.capture.find,
        assess=faces.capture.assess,
        embedder=faces.capture.embedder,
        scale=faces.compare.scale,
        thresholds=faces.thresholds,
        follow=FaceTracker,
    )
