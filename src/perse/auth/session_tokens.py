"""Session tokens: short-lived JWTs signed with EdDSA (RFC 7519, RFC 8037, RFC 8725)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import jwt

from perse.auth.api_keys import utc_now
from perse.auth.jws import NOT_OURS, Kind, refuse_long
from perse.auth.signing_keys import SigningKeys
from perse.domain.access import KeyId
from perse.errors import Unauthorized

AUDIENCE = "perse/v0"
LIFETIME = timedelta(minutes=15)
_TOKEN = Kind(AUDIENCE, ("iss", "aud", "sub", "iat", "exp", "jti"))
# Replicas share keys but not clocks; a token may be a moment from the future.
_CLOCK_SKEW = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """What a good token says: the API key that it stands for, and until when."""

    key_id: KeyId
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SessionTokens:
    """Issues and verifies the tokens of one installation."""

    keys: SigningKeys
    now: Callable[[], datetime] = utc_now

    def issue(self, key_id: KeyId) -> str:
        """A token that stands for the API key for 15 minutes, unless the key is revoked."""
        issued = self.now()
        claims = {"sub": key_id, "iat": issued, "exp": issued + LIFETIME, "jti": str(uuid4())}
        return _TOKEN.sign(self.keys, claims)

    def verify(self, token: str) -> VerifiedToken:
        """What a token of ours says. Raises Unauthorized for every other token."""
        try:
            return self._verify(token)
        except NOT_OURS:
            raise Unauthorized("the session token is not valid: log in again") from None

    def _verify(self, token: str) -> VerifiedToken:
        refuse_long(token)
        claims = _TOKEN.read(token, self.keys.public_key, leeway=_CLOCK_SKEW)
        expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        return VerifiedToken(_key_id(claims["sub"]), expires_at)


def _key_id(subject: str) -> KeyId:
    """A subject that a database can be asked for: no surrogate halves, no NUL."""
    if not (subject.isascii() and subject.isprintable()):
        raise jwt.InvalidTokenError("no subject of ours")
    return KeyId(subject)
