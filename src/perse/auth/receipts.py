"""Receipts of destruction, signed with the keys that sign session tokens (RFC 7515, RFC 8037).

Their audience and ``typ`` keep them apart: no receipt passes for a session token, or the reverse.
They do not expire.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from perse.auth.jws import ALGORITHM, NOT_OURS, Kind
from perse.auth.signing_keys import SigningKeys
from perse.domain.receipts import token_sha256
from perse.errors import InvalidParameter

AUDIENCE = "perse/receipts"
TYPE = "perse-receipt+jwt"
_RECEIPT = Kind(AUDIENCE, ("iss", "aud", "iat", "jti"), TYPE)


@dataclass(frozen=True, slots=True)
class JwsReceiptSigner:
    """Signs with the newest key; accepts every key of the list."""

    keys: SigningKeys

    def sign(self, claims: Mapping[str, object]) -> str:
        """Compact JWS over ``claims``, issuer and audience."""
        return _RECEIPT.sign(self.keys, claims)

    def verify(self, jws: str) -> Mapping[str, object]:
        """The claims. Raises InvalidParameter for what no key of the list has signed."""
        return verify_receipt(jws, self.keys.public_by_kid())


def public_keys_of(jwks: str) -> Mapping[str, Ed25519PublicKey]:
    """The Ed25519 keys of a published key list (RFC 7517), by ``kid``.

    Raises InvalidParameter when there are none.
    """
    try:
        listed = jwt.PyJWKSet.from_json(jwks).keys
        keys = {str(key.key_id): key.key for key in listed if key.algorithm_name == ALGORITHM}
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        keys = {}
    if not keys:
        raise InvalidParameter("this is no key list (JWKS) with an Ed25519 key")
    return keys


def verify_receipt(jws: str, public_keys: Mapping[str, Ed25519PublicKey]) -> Mapping[str, object]:
    """The claims of a receipt signed with one of ``public_keys``, by ``kid``.

    Raises InvalidParameter for anything else.
    """
    try:
        return _RECEIPT.read(
            jws.strip(), lambda kid: public_keys.get(str(kid)), checks={"verify_iat": False}
        )
    except NOT_OURS:
        raise InvalidParameter("this is no receipt that one of the known keys has signed") from None


def check_receipt(
    text: str, public_keys: Mapping[str, Ed25519PublicKey], *, user_token: str | None
) -> Mapping[str, object]:
    """The claims of a genuine receipt, about that user where one is given.

    ``text``: the JWS, or a JSON object that carries it as ``receipt``. Raises InvalidParameter.
    """
    claims = verify_receipt(_jws_in(text), public_keys)
    if user_token is not None and claims.get("subject_sha256") != token_sha256(user_token):
        raise InvalidParameter("the receipt is genuine, but about another user")
    return claims


def _jws_in(text: str) -> str:
    if not text.lstrip().startswith("{"):
        return text.strip()
    try:
        return str(json.loads(text)["receipt"])
    except (ValueError, KeyError):
        raise InvalidParameter("this JSON carries no receipt") from None
