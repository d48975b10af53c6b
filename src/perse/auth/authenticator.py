"""Who a request comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from perse.auth.api_keys import ApiKeys
from perse.auth.credentials import Credentials
from perse.auth.session_tokens import SessionTokens
from perse.domain.access import ApiKey, Caller
from perse.errors import Unauthorized


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Turns credentials into a caller, or refuses. Calls block on the key store."""

    keys: ApiKeys
    tokens: SessionTokens

    def login(self, private_key: str) -> str:
        """A session token for an API key. Raises Unauthorized."""
        key = self.keys.find(private_key)
        if key is None:
            raise Unauthorized("this API key is unknown or revoked")
        return self.tokens.issue(key.key_id)

    def authenticate(self, sent: Credentials) -> Caller:
        """The caller behind the credentials of a request.

        A session token wins over an API key: a bad token is refused even when a good key stands
        beside it. Raises Unauthorized.
        """
        if sent.token is not None:
            return self._key_of_token(sent.token).caller
        if sent.api_key is None:
            raise Unauthorized("send a session token as Authorization: Bearer, or an x-api-key")
        key = self.keys.find(sent.api_key)
        if key is None:
            raise Unauthorized("this API key is unknown or revoked")
        return key.caller

    def public_jwks(self) -> dict[str, Any]:
        """What others verify our tokens with (RFC 7517)."""
        return self.tokens.keys.public_jwks()

    def _key_of_token(self, token: str) -> ApiKey:
        key = self.keys.store.get(self.tokens.verify(token))
        if key is None:
            raise Unauthorized("the API key of this session token is unknown or revoked")
        return key
