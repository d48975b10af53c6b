"""Liveness sessions over opened face pipelines, subjects and storage."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from perse.auth.api_keys import ApiKeys, utc_now
from perse.auth.liveness_tokens import ClientTokens
from perse.auth.liveness_verdicts import JwsVerdictSigner
from perse.auth.signing_keys import SigningKeys
from perse.bootstrap.faces import FaceServices
from perse.bootstrap.subjects import SubjectServices
from perse.chores import Chore
from perse.domain.access import KeyId
from perse.domain.consent import Processing
from perse.domain.session_frames import (
    FailureReason,
    GivenPrompt,
    ObservedFrame,
    SessionJudgement,
    SessionKind,
    SessionPoints,
    SessionScores,
)
from perse.domain.session_plan import Choose
from perse.domain.session_prompts import prompt_failures
from perse.pipelines.consent import RecordConsent
from perse.pipelines.liveness_frames import FrameSensing, follow_nothing
from perse.pipelines.liveness_ports import SessionStore
from perse.pipelines.liveness_sessions import ConcludeSession, OpenSession, StartSession
from perse.pipelines.reference_ports import Now
from perse.settings import Settings
from perse.storage.storage import Storage

_FORGET_EVERY_S = 600.0
_KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LivenessServices:
    """``forgetting`` drops sessions a day after they expired, until it is closed."""

    open: OpenSession
    store: SessionStore
    start: StartSession
    conclude: ConcludeSession
    tokens: ClientTokens
    sensing: FrameSensing
    points: Mapping[SessionKind, SessionPoints]
    choose: Choose
    now: Now
    clock_s: Callable[[], float]
    public_url: str | None
    forgetting: Chore

    def judge(
        self,
        kind: SessionKind,
        prompts: Sequence[GivenPrompt],
        frames: Sequence[ObservedFrame],
    ) -> SessionJudgement:
        """Whether a person was there, by all that was seen."""
        points = self.points[kind]
        few = [FailureReason.TOO_FEW_FRAMES] if len(frames) < points.least_frames else []
        return SessionJudgement((*few, *prompt_failures(prompts, frames, points)), SessionScores())

    def close(self) -> None:
        self.forgetting.close()


def wire_liveness(
    settings: Settings,
    faces: FaceServices,
    subjects: SubjectServices,
    storage: Storage,
    consent: RecordConsent,
    signing_keys: SigningKeys,
) -> LivenessServices:
    """Start forgetting, too, at once and then every ten minutes."""
    sessions, sensing = storage.sessions, _sensing(faces)
    points = dict.fromkeys(SessionKind, _POINTS)

    def forget() -> None:
        sessions.forget(before=utc_now() - _KEPT)

    return LivenessServices(
        open=OpenSession(sessions, storage.samples, consent),
        store=sessions,
        start=StartSession(sessions, _activity(ApiKeys(storage.keys)), utc_now),
        conclude=ConcludeSession(
            sessions=sessions,
            verify=subjects.verify,
            add_face=replace(subjects.add_face, processing=Processing.LIVENESS_ENROL),
            signer=JwsVerdictSigner(signing_keys),
            consent=consent,
            points=points,
            models=sensing.models,
            now=utc_now,
        ),
        tokens=ClientTokens(signing_keys),
        sensing=sensing,
        points=points,
        choose=random.SystemRandom().choice,
        now=utc_now,
        clock_s=time.monotonic,
        public_url=settings.public_url,
        forgetting=Chore(forget, every_s=_FORGET_EVERY_S, name="perse-sessions"),
    )


def _sensing(faces: FaceServices) -> FrameSensing:
    return FrameSensing(
        decode=faces.decode,
        find=faces.capture.find,
        assess=faces.capture.assess,
        embedder=faces.capture.embedder,
        scale=faces.compare.scale,
        thresholds=faces.thresholds,
        follow=lambda: follow_nothing,
    )


def _activity(keys: ApiKeys) -> Callable[[KeyId], bool]:
    return lambda key_id: keys.store.get(key_id) is not None


_POINTS = SessionPoints(
    least_frames=10,
    ahead_degrees=12.0,
    yaw_degrees=20.0,
    pitch_degrees=12.0,
    closer=1.25,
    reaction_s=0.15,
    answer_s=8.0,
    pad=0.5,
    same_face_cosine=0.3,
    recognisability=0.2,
    relief=0.3,
    longest_gap_s=1.5,
    clock_drift_s=1.0,
    degrees_per_s=400.0,
    widths_per_s=6.0,
    growth_per_s=4.0,
)
