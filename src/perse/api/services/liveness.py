"""What the HTTP side needs for liveness sessions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from perse.auth.liveness_tokens import ClientTokens
from perse.domain.retries import NameRetry
from perse.domain.session_frames import (
    GivenPrompt,
    ObservedFrame,
    SessionJudgement,
    SessionKind,
    SessionPoints,
)
from perse.domain.session_plan import Choose
from perse.pipelines.liveness_frames import FrameSensing
from perse.pipelines.liveness_ports import SessionStore
from perse.pipelines.liveness_sessions import ConcludeSession, OpenSession, StartSession
from perse.pipelines.reference_ports import Now


class Judge(Protocol):
    def __call__(
        self,
        kind: SessionKind,
        prompts: Sequence[GivenPrompt],
        frames: Sequence[ObservedFrame],
    ) -> SessionJudgement:
        """Whether a person was there, by all that was seen."""
        ...


class Liveness(Protocol):
    """Liveness sessions; ``open``, ``store``, ``start`` and ``conclude`` block, ``sensing`` is what
    looks at frames. ``choose`` draws prompts, ``clock_s`` tells a session's time, ``public_url``
    is where clients find the server, None = where the caller did. ``retry_key`` names a request
    that may come twice."""

    @property
    def open(self) -> OpenSession: ...
    @property
    def store(self) -> SessionStore: ...
    @property
    def start(self) -> StartSession: ...
    @property
    def conclude(self) -> ConcludeSession: ...
    @property
    def tokens(self) -> ClientTokens: ...
    @property
    def sensing(self) -> FrameSensing: ...
    @property
    def points(self) -> SessionPoints: ...
    @property
    def judge(self) -> Judge: ...
    @property
    def choose(self) -> Choose: ...
    @property
    def now(self) -> Now: ...
    @property
    def clock_s(self) -> Callable[[], float]: ...
    @property
    def public_url(self) -> str | None: ...
    @property
    def retry_key(self) -> NameRetry: ...
