"""What this installation signs (RFC 7515, RFC 7519, RFC 8037), and how it knows it again.

Everything is signed with the same keys, by EdDSA alone. An audience of its own, which is checked
strictly, keeps each kind apart, so that none passes for another; most have a ``typ``, too
(RFC 8725, 3.11).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt.types import Options

from perse.auth.signing_keys import SigningKeys

ISSUER = "perse"
ALGORITHM = "EdDSA"
# All that reading a hostile text can raise.
NOT_OURS = (jwt.PyJWTError, ValueError, TypeError, RecursionError)
_LONGEST_TOKEN = 4096

FindKey = Callable[[object], Ed25519PublicKey | None]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of what is signed. ``type``: None = that of any JWT, which is not looked at.
    ``claims``: which must be there."""

    audience: str
    claims: tuple[str, ...]
    type: str | None = None

    def sign(self, keys: SigningKeys, claims: Mapping[str, object]) -> str:
        """Compact JWS by the newest key, over ``claims``, issuer and audience."""
        signing = keys.newest
        headers = {"kid": signing.kid} | ({"typ": self.type} if self.type else {})
        content = {"iss": ISSUER, "aud": self.audience, **claims}
        return jwt.encode(content, signing.private, algorithm=ALGORITHM, headers=headers)

    def read(
        self,
        text: str,
        find_key: FindKey,
        *,
        leeway: timedelta = timedelta(),
        checks: Options | None = None,
    ) -> Mapping[str, Any]:
        """The claims of a genuine one. ``find_key``: by ``kid``; ``checks``: what else PyJWT looks
        at, or not. Raises one of NOT_OURS for everything else."""
        header = jwt.get_unverified_header(text)
        key = find_key(header.get("kid"))
        if key is None or self.type not in (None, header.get("typ")):
            raise jwt.InvalidTokenError("of another kind, or signed with an unknown key")
        claims: Mapping[str, Any] = jwt.decode(
            text,
            key,
            algorithms=[ALGORITHM],
            audience=self.audience,
            issuer=ISSUER,
            leeway=leeway,
            options={"require": list(self.claims), "strict_aud": True, **(checks or {})},
        )
        return claims


def refuse_long(token: str) -> None:
    """Raises one of NOT_OURS for what is longer than any token of ours."""
    if len(token) > _LONGEST_TOKEN:
        raise jwt.InvalidTokenError("longer than any token of ours")
