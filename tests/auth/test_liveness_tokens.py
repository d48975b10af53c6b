"""What lets a client in to a liveness session, and what does not."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import jwt
import pytest

from perse.auth.liveness_tokens import AUDIENCE, TYPE, Admission, ClientTokens
from perse.auth.receipts import JwsReceiptSigner
from perse.auth.session_tokens import SessionTokens
from perse.auth.signing_keys import SigningKey, SigningKeys
from perse.domain.access import KeyId, TenantId
from perse.domain.consent import Declaration
from perse.domain.liveness_sessions import LivenessSession, SessionOrder, new_session_id
from perse.errors import Unauthorized
from tests.fakes.storage import FakeClock

CLOCK = FakeClock()
KEYS = SigningKeys((SigningKey.generate(),))
TOKENS = ClientTokens(KEYS, CLOCK)
SHOP = "https://shop.example"
SESSION = LivenessSession(
    session_id=new_session_id(),
    tenant_id=TenantId("acme"),
    key_id=KeyId("key-1"),
    order=SessionOrder(ttl_s=60),
    declaration=Declaration.GIVEN,
    created_at=CLOCK(),
)


def of_shop(session: LivenessSession = SESSION) -> LivenessSession:
    return replace(session, order=replace(session.order, origin=SHOP))


def claims(**changes: object) -> dict[str, object]:
    """Those of a good token, changed; None takes one away."""
    told = jwt.decode(TOKENS.issue(SESSION), options={"verify_signature": False})
    return {name: value for name, value in {**told, **changes}.items() if value is not None}


def signed(body: dict[str, object], *, typ: str = TYPE, key: SigningKey = KEYS.newest) -> str:
    headers = {"kid": KEYS.newest.kid, "typ": typ}
    return jwt.encode(body, key.private, algorithm="EdDSA", headers=headers)


def unsigned() -> str:
    head = {"alg": "none", "typ": TYPE, "kid": KEYS.newest.kid}
    parts = (json.dumps(part).encode() for part in (head, claims()))
    return ".".join([*(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts), ""])


def test_a_token_lets_in_to_its_session() -> None:
    for origin in (None, SHOP):
        admitted = TOKENS.verify(TOKENS.issue(SESSION), origin=origin)
        assert admitted == Admission(TenantId("acme"), SESSION.session_id)


@pytest.mark.parametrize("origin", [None, "https://evil.example", SHOP + ".evil.example", ""])
def test_a_token_of_an_origin_is_good_from_there_alone(origin: str | None) -> None:
    token = TOKENS.issue(of_shop())
    assert TOKENS.verify(token, origin=SHOP).session_id == SESSION.session_id
    with pytest.raises(Unauthorized):
        TOKENS.verify(token, origin=origin)


def test_a_token_ends_with_its_session() -> None:
    clock = FakeClock(SESSION.expires_at - timedelta(seconds=1))
    tokens, token = ClientTokens(KEYS, clock), TOKENS.issue(SESSION)
    assert tokens.verify(token, origin=None)
    clock.pass_time(seconds=1)
    with pytest.raises(Unauthorized):
        tokens.verify(token, origin=None)


def test_tokens_of_keys_that_were_rotated_stay_good() -> None:
    later = ClientTokens(KEYS.rotated(), CLOCK)
    assert later.verify(TOKENS.issue(SESSION), origin=None).session_id == SESSION.session_id


FORGED: dict[str, Callable[[], str]] = {
    "nothing": lambda: "",
    "no token": lambda: "a.b.c",
    "unsigned": unsigned,
    "signed by another": lambda: signed(claims(), key=SigningKey.generate()),
    "of another type": lambda: signed(claims(), typ="JWT"),
    "for another audience": lambda: signed(claims(aud="perse/v0")),
    "for two audiences": lambda: signed(claims(aud=[AUDIENCE, "perse/v0"])),
    "from another issuer": lambda: signed(claims(iss="somebody")),
    "of no session": lambda: signed(claims(sub="everybody")),
    "without an end": lambda: signed(claims(exp=None)),
    "without a tenant": lambda: signed(claims(tenant=None)),
    "with a session put in": lambda: _changed(TOKENS.issue(SESSION)),
    "a session token of the API": lambda: SessionTokens(KEYS).issue(SESSION.key_id),
    "a receipt": lambda: JwsReceiptSigner(KEYS).sign({"jti": "1", "iat": 1}),
    "endless": lambda: TOKENS.issue(SESSION) + "a" * 5000,
}


def _changed(token: str) -> str:
    head, _, signature = token.split(".")
    body = json.dumps(claims(sub=new_session_id())).encode()
    return f"{head}.{base64.urlsafe_b64encode(body).decode().rstrip('=')}.{signature}"


@pytest.mark.parametrize("forge", FORGED.values(), ids=list(FORGED))
def test_nothing_else_lets_in(forge: Callable[[], str]) -> None:
    with pytest.raises(Unauthorized):
        TOKENS.verify(forge(), origin=None)


def test_a_client_token_is_no_session_token_of_the_api() -> None:
    now = replace(SESSION, created_at=datetime.now(tz=CLOCK().tzinfo))
    with pytest.raises(Unauthorized):
        SessionTokens(KEYS).verify(ClientTokens(KEYS).issue(now))
