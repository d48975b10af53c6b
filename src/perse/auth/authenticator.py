"""Who a request comes from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from perse.auth.api_keys import ApiKeys, digest_of
from perse.auth.credentials import Credentials
from perse.auth.recent import Known, RecentCallers
from perse.auth.session_tokens import SessionTokens
from perse.domain.access import ApiKey, Caller
from perse.errors import Unauthorized


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Turns credentials into a caller, or refuses.

    ``recall`` never blocks and knows who was verified within the last second; the rest blocks on
    the key store.
    """

    keys: ApiKeys
    tokens: SessionTokens
    recent: RecentCallers = field(default_factory=RecentCallers)

    def login(self, private_key: str) -> str:
        """A session token for an API key. Raises Unauthorized."""
        return self.tokens.issue(self._key(private_key).key_id)

    def recall(self, sent: Credentials) -> Known | None:
        """The caller, if these very credentials were verified a moment ago. Does not block."""
        if sent.token is not None:
            return self.recent.by_token(_digest_of_token(sent.token), now=self.tokens.now())
        key_digest = digest_of(sent.api_key or "")
        return self.recent.by_key(key_digest) if key_digest else None

    def remember(self, sent: Credentials) -> Caller | None:
        """Whose these very credentials were when they were verified last; they may be good no
        more. Does not block."""
        digest = _digest_of(sent)
        return self.recent.last_known(digest) if digest else None

    def authenticate(self, sent: Credentials) -> Caller:
        """The caller behind the credentials of a request.

        A session token wins over an API key: a bad token is refused even when a good key stands
        beside it. Raises Unauthorized.
        """
        try:
            return self._verified(sent)
        except Unauthorized:
            self.recent.forget(_digest_of(sent))
            raise

    def _verified(self, sent: Credentials) -> Caller:
        asked_s = self.recent.now_s()
        if sent.token is not None:
            caller = self._of_token(sent.token)
            self.recent.keep(caller, asked_s=asked_s)
            return caller
        if sent.api_key is None:
            raise Unauthorized("send a session token as Authorization: Bearer, or an x-api-key")
        key = self._key(sent.api_key)
        self.recent.keep(key.caller, asked_s=asked_s, digest=key.digest)
        return key.caller

    def public_jwks(self) -> dict[str, Any]:
        """What others verify our tokens with (RFC 7517)."""
        return self.tokens.keys.public_jwks()

    def _key(self, text: str) -> ApiKey:
        key = self.keys.find(text)
        if key is None:
            raise Unauthorized("this API key is unknown or revoked")
        return key

    def _of_token(self, token: str) -> Caller:
        verified = self.tokens.verify(token)
        key = self.keys.store.get(verified.key_id)
        if key is None:
            raise Unauthorized("the API key of this session token is unknown or revoked")
        digest = _digest_of_token(token)
        self.recent.keep_token(digest, key.caller, until=verified.expires_at)
        return key.caller


def _digest_of(sent: Credentials) -> bytes | None:
    """None for what can be nobody's."""
    return _digest_of_token(sent.token) if sent.token is not None else digest_of(sent.api_key or "")


def _digest_of_token(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
