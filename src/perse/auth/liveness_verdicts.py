"""Verdicts of liveness sessions, signed so that a third party can check them (RFC 7515, RFC 8037).

The keys are those of session tokens and receipts; audience and ``typ`` keep all of them apart.
Verdicts do not expire.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from perse.auth.jws import Kind
from perse.auth.signing_keys import SigningKeys

AUDIENCE = "perse/liveness-verdicts"
TYPE = "perse-liveness-verdict+jwt"
_VERDICT = Kind(AUDIENCE, ("iss", "aud", "iat"), TYPE)


@dataclass(frozen=True, slots=True)
class JwsVerdictSigner:
    """Signs with the newest key."""

    keys: SigningKeys

    def sign(self, claims: Mapping[str, object]) -> str:
        """Compact JWS over ``claims``, issuer and audience."""
        return _VERDICT.sign(self.keys, claims)
