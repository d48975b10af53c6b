"""The API key, and the session token that it is exchanged for."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field

# A token is renewed when this much of its life is over, so that none ends on its way.
_SHARE_OF_LIFE = 0.8


@dataclass(frozen=True)
class Secret:
    """What must not be seen."""

    text: str = field(repr=False)


@dataclass(frozen=True)
class _Held:
    token: Secret
    renew_at_s: float


class Session:
    """What lets a client in. Threads may share it: what is held is exchanged as a whole."""

    def __init__(self, api_key: Secret, clock: Callable[[], float]) -> None:
        """``clock``: seconds that never go back."""
        self.api_key = api_key
        self._clock = clock
        self._held: _Held | None = None

    @property
    def token(self) -> Secret | None:
        """The token to send; None where there is none, or its end is near."""
        held = self._held
        return held.token if held and self._clock() < held.renew_at_s else None

    def keep(self, token: Secret) -> None:
        """From now on this token is sent, until its end is near by our own clock."""
        self._held = _Held(token, self._clock() + _SHARE_OF_LIFE * _life_s(token))


def _life_s(token: Secret) -> float:
    """How long a token (RFC 7519) lives; for ever where it does not say: a 401 will tell."""
    try:
        payload = token.text.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        life_s = float(claims["exp"]) - float(claims["iat"])
    except (IndexError, KeyError, TypeError, ValueError):
        return math.inf
    return life_s if life_s > 0 else math.inf
