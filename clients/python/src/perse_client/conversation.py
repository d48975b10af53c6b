"""What is sent when, and what is made of it: written once, for clients that block and that await.

A conversation is a generator. It says what is to be done next and is told what came of it; whoever
drives it owns the sockets and the sleeping.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from perse_client.call import Call
from perse_client.errors import PerseError, Unauthorized
from perse_client.operations.login import log_in
from perse_client.patience import Patience
from perse_client.replies import Reply, answer_of
from perse_client.session import Secret, Session

T = TypeVar("T")


@dataclass(frozen=True)
class Send:
    """Send it; the reply is what came back."""

    call: Call[Any]
    token: Secret | None


@dataclass(frozen=True)
class Wait:
    seconds: float


@dataclass(frozen=True)
class Renew:
    """See to another token than this one, which is None or no good any more."""

    stale: Secret | None


Step = Send | Wait | Renew
Conversation = Generator[Step, Reply | None, T]


@dataclass(frozen=True)
class Conversations:
    """The conversations of one client."""

    session: Session
    patience: Patience

    def about(self, call: Call[T]) -> Conversation[T]:
        """Returns the answer. Raises PerseError."""
        tried, renewed = 0, False
        step: Step
        while True:
            token = yield from self._token(call)
            try:
                return answer_of((yield Send(call, token)), call)
            except Unauthorized:
                if token is None or renewed or not call.is_resendable:
                    raise
                renewed, step = True, Renew(token)
            except PerseError as failure:
                tried += 1
                wait_s = self.patience.wait_s(failure, tried, repeatable=call.repeatable)
                if wait_s is None or not call.is_resendable:
                    raise
                step = Wait(wait_s)
            yield step

    def about_another_token(self, stale: Secret | None) -> Conversation[None]:
        """Exchanges the API key, unless somebody has done so meanwhile. Two conversations must not
        be at it at the same time."""
        if self.session.token in (None, stale):
            told = yield from self.about(log_in(self.session.api_key.text))
            self.session.keep(Secret(told.token))

    def _token(self, call: Call[Any]) -> Conversation[Secret | None]:
        if not call.secured:
            return None
        if self.session.token is None:
            yield Renew(None)
        return self.session.token
