"""Client tokens: what lets a browser or an app run one liveness session (RFC 7519, RFC 8725).

Signed with the keys of session tokens; audience and ``typ`` keep the two apart. That a token is
good once is not in it: the session that it names starts once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import jwt
from jwt.types import Options

from perse.auth.api_keys import utc_now
from perse.auth.jws import NOT_OURS, Kind, refuse_long
from perse.auth.signing_keys import SigningKeys
from perse.domain.access import TenantId
from perse.domain.liveness_sessions import LivenessSession, SessionId, parse_session_id
from perse.errors import NotFound, Unauthorized

AUDIENCE = "perse/liveness"
TYPE = "perse-liveness+jwt"
_TOKEN = Kind(AUDIENCE, ("iss", "aud", "sub", "tenant", "iat", "exp", "jti"), TYPE)


@dataclass(frozen=True, slots=True)
class Admission:
    """What a good token says: which session it lets in to."""

    tenant_id: TenantId
    session_id: SessionId


@dataclass(frozen=True, slots=True)
class ClientTokens:
    """Issues and verifies the tokens of one installation."""

    keys: SigningKeys
    now: Callable[[], datetime] = utc_now

    def issue(self, session: LivenessSession) -> str:
        """For this session alone, until it expires, from the only origin where it has one. Issued
        again, it is the same: a session is run once, however many copies there are."""
        origin = session.order.origin
        claims = {
            "sub": session.session_id,
            "tenant": session.tenant_id,
            "iat": session.created_at,
            "exp": session.expires_at,
            "jti": session.session_id,
            **({"origin": origin} if origin is not None else {}),
        }
        return _TOKEN.sign(self.keys, claims)

    def verify(self, token: str, *, origin: str | None) -> Admission:
        """``origin``: of the page that sent it; None for what is no browser. Raises Unauthorized
        for every token that is not one of ours, expired, or of another origin."""
        try:
            return self._verify(token, origin)
        except (*NOT_OURS, NotFound):
            raise Unauthorized(
                "this is no token of a liveness session that may begin here: open another session"
            ) from None

    def _verify(self, token: str, origin: str | None) -> Admission:
        refuse_long(token)
        # The clock that says whether it has expired is ``now``.
        timeless: Options = {"verify_iat": False, "verify_exp": False}
        claims = _TOKEN.read(token, self.keys.public_key, checks=timeless)
        if self.now().timestamp() >= claims["exp"]:
            raise jwt.ExpiredSignatureError("expired")
        if "origin" in claims and claims["origin"] != origin:
            raise jwt.InvalidTokenError("of another origin")
        return Admission(TenantId(claims["tenant"]), parse_session_id(claims["sub"]))
