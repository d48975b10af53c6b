"""Open liveness sessions, and conclude them: what was judged, what that is done with, the proof."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace

from perse.domain.access import ApiKey, Caller, KeyId, TenantId
from perse.domain.consent import Declaration, Processing
from perse.domain.liveness_sessions import (
    EndReason,
    LivenessSession,
    OnPass,
    SessionId,
    SessionOrder,
    SessionOutcome,
    SubjectCompared,
    new_session_id,
)
from perse.domain.liveness_verdicts import verdict_claims
from perse.domain.references import Modality, UserToken
from perse.domain.retries import RetryKey
from perse.domain.samples import ModelName
from perse.domain.session_frames import SessionJudgement, SessionKind, SessionPoints
from perse.domain.subject_verification import FaceEvidence, Outcome, outcome_of
from perse.errors import (
    InputError,
    InvalidParameter,
    RateLimited,
    SampleError,
    SampleNotFound,
    SessionNotFound,
    Unauthorized,
)
from perse.pipelines.comparison import Picture
from perse.pipelines.consent import RecordConsent
from perse.pipelines.liveness_frames import BestFrame
from perse.pipelines.liveness_ports import SessionStore, VerdictSigner
from perse.pipelines.probe import Probe
from perse.pipelines.reference_ports import Now
from perse.pipelines.samples import AddFace
from perse.pipelines.subject_ports import SampleStore
from perse.pipelines.subject_verification import VerifySubject

ActiveKey = Callable[[KeyId], ApiKey | None]

_DECIMALS = 6
_REASONS = {
    Outcome.NO_MATCH: EndReason.NO_MATCH,
    Outcome.NOT_ASSESSABLE: EndReason.NOT_ASSESSABLE,
}
# What keeps a frame from being compared or enrolled, and is no fault of ours.
_NOT_DONE = (SampleError, InputError, RateLimited)


@dataclass(frozen=True, slots=True)
class OpenSession:
    """Use case: let a client show that somebody is there. Raises RateLimited while the subject or
    the correlation id is locked, UserTokenNotFound, SampleNotFound where there is nothing to
    verify with, EnduserConsentRequired, InvalidParameter for a kind that is not one of ``kinds``,
    which the networks in use can judge, SessionNotFound where what ``retry`` opened was revoked."""

    sessions: SessionStore
    samples: SampleStore
    consent: RecordConsent
    kinds: Set[SessionKind]
    new_id: Callable[[], SessionId] = new_session_id

    def __call__(
        self,
        caller: Caller,
        order: SessionOrder,
        *,
        declaration: Declaration,
        retry: RetryKey | None = None,
    ) -> LivenessSession:
        """A ``retry`` that has been answered before gets the same session again."""
        entry = self.consent.entry(caller, Processing.LIVENESS_OPEN, declaration, order.user_token)
        with self.consent.with_change(entry):
            if order.kind not in self.kinds:
                raise InvalidParameter(
                    "the networks of this server have no attack detector, without which a passive "
                    "session shows nothing: open one of head_turns"
                )
            if order.user_token is not None and order.on_pass is OnPass.VERIFY:
                self._insist_on_a_face(caller, order.user_token)
            session = LivenessSession(
                session_id=self.new_id(),
                tenant_id=caller.tenant_id,
                key_id=caller.key_id,
                order=order,
                declaration=declaration,
                created_at=entry.at,
            )
            return self.sessions.open(session, entry=entry, retry=retry)

    def _insist_on_a_face(self, caller: Caller, user_token: UserToken) -> None:
        if not self.samples.records(caller.tenant_id, user_token, Modality.FACE):
            raise SampleNotFound("this subject has no face to compare with: add one")


@dataclass(frozen=True, slots=True)
class StartSession:
    """Use case: let the client in that came first. ``key``: the API key with that id, if active.

    Raises Unauthorized where the session has been started, has expired, was revoked, or the key
    that opened it was; RateLimited as the store.
    """

    sessions: SessionStore
    key: ActiveKey
    consent: RecordConsent

    def __call__(self, tenant_id: TenantId, session_id: SessionId) -> LivenessSession:
        try:
            opened = self.sessions.get(tenant_id, session_id)
            if key := self.key(opened.key_id):
                entry = self.consent.entry(
                    key.caller,
                    Processing.LIVENESS_CHECK,
                    opened.declaration,
                    opened.order.user_token,
                )
                return self.sessions.start(session_id, entry=entry)
        except SessionNotFound:
            pass
        raise Unauthorized(
            "this liveness session has begun already, is over or was revoked: open another one"
        )


@dataclass(frozen=True, slots=True)
class ConcludeSession:
    """Use case: keep what came out of a session that is running, with a signed verdict.

    Of a session that passes, the best frame is compared with the subject or enrolled where that
    was asked for and the API key still may; it passes only if that comes out well, too. Raises
    SessionNotFound for one that was revoked or ended meanwhile, or lasted too long: with it
    nothing is done then.
    """

    sessions: SessionStore
    verify: VerifySubject
    add_face: AddFace
    key: ActiveKey
    signer: VerdictSigner
    consent: RecordConsent
    points: SessionPoints
    models: Mapping[str, ModelName]
    now: Now

    def __call__(
        self,
        session: LivenessSession,
        judgement: SessionJudgement,
        *,
        frames: int,
        best: BestFrame | None,
    ) -> LivenessSession:
        """``frames``: how many were looked at."""
        self.sessions.claim(session.session_id, at=self.now())
        outcome = SessionOutcome(
            reasons=tuple(map(str, judgement.reasons)),
            scores=_told(asdict(judgement.scores)),
            thresholds=_told(asdict(self.points)),
            models=self.models,
            frames=frames,
            best_frame_sha256=best.sha256 if best else None,
        )
        if judgement.passed and session.order.on_pass is not None:
            with self._our_fault(session, frames):
                outcome = self._used(session, outcome, best)
        return self._kept(session, outcome)

    def abandoned(self, session: LivenessSession, reason: EndReason, *, frames: int) -> None:
        """A session that ended before anything could be judged."""
        self.sessions.claim(session.session_id, at=self.now())
        self._broken_off(session, reason, frames)

    def _broken_off(self, session: LivenessSession, reason: EndReason, frames: int) -> None:
        outcome = SessionOutcome(reasons=(reason,), models=self.models, frames=frames)
        self._kept(session, outcome)

    @contextmanager
    def _our_fault(self, session: LivenessSession, frames: int) -> Iterator[None]:
        """What breaks here is not the client's failure."""
        try:
            yield
        except Exception:
            self._broken_off(session, EndReason.FAULT, frames)
            raise

    def _kept(self, session: LivenessSession, outcome: SessionOutcome) -> LivenessSession:
        at = self.now()
        verdict = self.signer.sign(verdict_claims(session, outcome, at=at))
        return self.sessions.end(session.session_id, outcome, verdict=verdict, at=at)

    def _used(
        self, session: LivenessSession, outcome: SessionOutcome, best: BestFrame | None
    ) -> SessionOutcome:
        """What came of using the best frame; without one, nothing can have come of it."""
        use, failed = (
            (self._enrolled, EndReason.NOT_ENROLLED)
            if session.order.on_pass is OnPass.ENROL
            else (self._compared, EndReason.NOT_COMPARED)
        )
        user_token, caller = session.order.user_token, self._caller(session)
        if best is None or user_token is None or caller is None:
            return replace(outcome, reasons=(failed,))
        picture = Picture("the best frame", lambda: best.image)
        try:
            return use(caller, session, outcome, user_token, picture)
        except _NOT_DONE:
            return replace(outcome, reasons=(failed,))

    def _caller(self, session: LivenessSession) -> Caller | None:
        """Who opened it, in whose name the frame is used; None where the key may not any more."""
        key, on_pass = self.key(session.key_id), session.order.on_pass
        may = key is not None and on_pass is not None and on_pass.needed <= key.permissions
        return key.caller if key is not None and may else None

    def _enrolled(
        self,
        caller: Caller,
        session: LivenessSession,
        outcome: SessionOutcome,
        user_token: UserToken,
        picture: Picture,
    ) -> SessionOutcome:
        declared = session.declaration
        added = self.add_face(caller, user_token, picture, declaration=declared)
        return replace(outcome, sample_id=added.record.name)

    def _compared(
        self,
        caller: Caller,
        session: LivenessSession,
        outcome: SessionOutcome,
        user_token: UserToken,
        picture: Picture,
    ) -> SessionOutcome:
        declared = session.declaration
        entry = self.consent.entry(caller, Processing.LIVENESS_VERIFY, declared, user_token)
        self.consent.begin(entry).result()
        verified = self.verify(caller, user_token, Probe(picture))
        against = (_REASONS[verified.decision],) if verified.decision in _REASONS else ()
        compared = _compared_with(verified.face) if verified.face else None
        return replace(outcome, reasons=against, compared=compared)


def _compared_with(face: FaceEvidence) -> SubjectCompared:
    return SubjectCompared(
        decision=outcome_of(face),
        similarity=face.samples.similarity,
        threshold=face.threshold,
        samples_compared=face.samples.compared,
        obstacle=face.samples.obstacle,
    )


def _told(values: Mapping[str, float | None]) -> Mapping[str, float]:
    """Those that there are, as they are written."""
    return {name: round(float(it), _DECIMALS) for name, it in values.items() if it is not None}
