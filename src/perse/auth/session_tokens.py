"""Session tokens: short-lived JWTs signed with EdDSA (RFC 7519, RFC 8037, RFC 8725)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import jwt

from perse.auth.api_keys import utc_now
from perse.auth.signing_keys import SigningKeys
from perse.domain.access import KeyId
from perse.errors import Unauthorized

ISSUER = "perse"
AUDIENCE = "perse/v0"
LIFETIME = timedelta(minutes=15)
_ALGORITHM = "EdDSA"
_CLAIMS = ("iss", "aud", "sub", "iat", "exp", "jti")
# Replicas share keys but not clocks; a token may be a moment from the future.
_CLOCK_SKEW = timedelta(seconds=5)
_LONGEST_TOKEN = 4096


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
        signing = self.keys.newest
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": key_id,
            "iat": issued,
            "exp": issued + LIFETIME,
            "jti": str(uuid4()),
        }
        return jwt.encode(
            claims, signing.private, algorithm=_ALGORITHM, headers={"kid": signing.kid}
        )

    def verify(self, token: str) -> VerifiedToken:
        """What a token of ours says. Raises Unauthorized for every other token."""
        try:
            return self._verify(token)
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            raise Unauthorized("the session token is not valid: log in again") from None

    def _verify(self, token: str) -> VerifiedToken:
        if len(token) > _LONGEST_TOKEN:
            raise jwt.InvalidTokenError("longer than any token of ours")
        key = self.keys.public_key(jwt.get_unverified_header(token).get("kid"))
        if key is None:
            raise jwt.InvalidTokenError("signed with an unknown key")
        claims = jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=_CLOCK_SKEW,
            options={"require": list(_CLAIMS), "strict_aud": True},
        )
        expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        return VerifiedToken(_key_id(claims["sub"]), expires_at)


def _key_id(subject: str) -> KeyId:
    """A subject that a database can be asked for: no surrogate halves, no NUL."""
    if not (subject.isascii() and subject.isprintable()):
        raise jwt.InvalidTokenError("no subject of ours")
    return KeyId(subject)
