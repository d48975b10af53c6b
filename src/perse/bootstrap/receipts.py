"""Verify receipts with this installation's keys or with a published key list."""

from __future__ import annotations

import json
from collections.abc import Mapping

from perse.auth.receipts import JwsReceiptSigner, public_keys_of, verify_receipt
from perse.bootstrap.access import open_signing_keys
from perse.domain.receipts import token_sha256
from perse.errors import InvalidParameter
from perse.settings import Settings


def check_receipt(
    text: str, *, settings: Settings, jwks: str | None, user_token: str | None
) -> Mapping[str, object]:
    """The claims of a genuine receipt.

    ``text``: the JWS, or a JSON object that carries it as ``receipt``. ``jwks``: a key list as
    /.well-known/jwks.json gives it; None = the installation's. Raises InvalidParameter.
    """
    jws = _jws_in(text)
    if jwks is None:
        claims = JwsReceiptSigner(open_signing_keys(settings)).verify(jws)
    else:
        claims = verify_receipt(jws, public_keys_of(jwks))
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
