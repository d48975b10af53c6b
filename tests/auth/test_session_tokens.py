"""Login, and every way of being refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from perse.auth.api_keys import ApiKeys
from perse.auth.authenticator import Authenticator
from perse.auth.credentials import Credentials, read_credentials
from perse.auth.jws import ISSUER
from perse.auth.session_tokens import AUDIENCE, SessionTokens
from perse.auth.signing_keys import SigningKey, SigningKeys
from perse.domain.access import ApiKey, KeyId
from perse.errors import Unauthorized
from tests.fakes.keys import MemoryKeys

KEY = SigningKey.generate()
TOKENS = SessionTokens(SigningKeys((KEY,)))
ID = KeyId("key-id")


def _claims(**changes: object) -> dict[str, Any]:
    now = datetime.now(UTC)
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(ID),
        "iat": now,
        "exp": now + timedelta(minutes=15),
        "jti": "1",
    }
    claims |= changes
    return {name: value for name, value in claims.items() if value is not None}


def _signed(claims: dict[str, Any], key: SigningKey = KEY, **headers: object) -> str:
    return jwt.encode(claims, key.private, algorithm="EdDSA", headers={"kid": KEY.kid} | headers)


def _unsigned(header: dict[str, object], claims: dict[str, Any], signature: str = "") -> str:
    plain = {k: v.timestamp() if isinstance(v, datetime) else v for k, v in claims.items()}
    parts = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in (header, plain)
    )
    return ".".join([*parts, signature])


def _signed_with_the_public_key() -> str:
    """The HS256 confusion: an attacker knows our public key and uses it as a shared secret."""
    header: dict[str, object] = {"alg": "HS256", "typ": "JWT", "kid": KEY.kid}
    public = KEY.public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    token = _unsigned(header, _claims())
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        token.rstrip(".").encode(), public
    )
    return token + base64.urlsafe_b64encode(signature).rstrip(b"=").decode()


def test_an_issued_token_names_its_key_for_15_minutes() -> None:
    token = TOKENS.issue(ID)
    assert TOKENS.verify(token).key_id == ID
    claims = jwt.decode(token, KEY.public, algorithms=["EdDSA"], audience=AUDIENCE)
    assert claims["exp"] - claims["iat"] == 15 * 60
    assert TOKENS.verify(token).expires_at.timestamp() == claims["exp"]
    assert jwt.get_unverified_header(token) == {"alg": "EdDSA", "kid": KEY.kid, "typ": "JWT"}


def test_tokens_of_a_retired_key_stay_valid_and_the_first_key_signs() -> None:
    fresh = SigningKey.generate()
    rotated = SessionTokens(SigningKeys((fresh, KEY)))
    assert rotated.verify(TOKENS.issue(ID)).key_id == ID
    assert jwt.get_unverified_header(rotated.issue(ID))["kid"] == fresh.kid


MINUTE = timedelta(minutes=1)
FORGERIES: dict[str, Callable[[], str]] = {
    "nothing": lambda: "",
    "words": lambda: "let me in",
    "two dots": lambda: "..",
    "other key": lambda: _signed(_claims(), SigningKey.generate()),
    "unknown kid": lambda: _signed(_claims(), kid="other"),
    "no kid": lambda: jwt.encode(_claims(), KEY.private, algorithm="EdDSA"),
    "kid of another type": lambda: _unsigned({"alg": "EdDSA", "kid": [1]}, _claims()),
    "alg none": lambda: _unsigned({"alg": "none", "kid": KEY.kid}, _claims()),
    "alg None": lambda: _unsigned({"alg": "None", "kid": KEY.kid}, _claims()),
    "alg HS256 with the public key": _signed_with_the_public_key,
    "wrong audience": lambda: _signed(_claims(aud="perse/v1")),
    "our audience among others": lambda: _signed(_claims(aud=[AUDIENCE, "other"])),
    "wrong issuer": lambda: _signed(_claims(iss="other")),
    "expired": lambda: _signed(_claims(exp=datetime.now(UTC) - MINUTE)),
    "from the future": lambda: _signed(_claims(iat=datetime.now(UTC) + MINUTE)),
    "not yet": lambda: _signed(_claims(nbf=datetime.now(UTC) + MINUTE)),
    "no expiry": lambda: _signed(_claims(exp=None)),
    "no audience": lambda: _signed(_claims(aud=None)),
    "no issuer": lambda: _signed(_claims(iss=None)),
    "no subject": lambda: _signed(_claims(sub=None)),
    "subject that is half a surrogate": lambda: _signed(_claims(sub="\ud800")),
    "subject with a NUL": lambda: _signed(_claims(sub="a\x00b")),
    "subject in another alphabet": lambda: _signed(_claims(sub="ключ")),
    "subject of another type": lambda: _signed(_claims(sub=1)),
    "no issue time": lambda: _signed(_claims(iat=None)),
    "no token id": lambda: _signed(_claims(jti=None)),
    "expiry that is no number": lambda: _unsigned({"alg": "EdDSA"}, _claims(exp="soon")),
    "cut": lambda: _signed(_claims())[:-5],
    "changed claims": lambda: ".".join(
        (
            *_unsigned({"alg": "EdDSA", "kid": KEY.kid}, _claims(sub="other")).split(".")[:2],
            _signed(_claims()).split(".")[2],
        )
    ),
    "too long": lambda: _signed(_claims(padding="x" * 5000)),
    "not ASCII": lambda: "é.é.é",
    "deeply nested": lambda: base64.urlsafe_b64encode(b"[" * 2500).decode() + ".e30.e30",
}


@pytest.mark.parametrize("name", FORGERIES)
def test_every_other_token_is_refused_in_the_same_words(name: str) -> None:
    with pytest.raises(Unauthorized, match="the session token is not valid: log in again"):
        TOKENS.verify(FORGERIES[name]())


@pytest.fixture
def authenticator() -> Authenticator:
    return Authenticator(ApiKeys(MemoryKeys()), TOKENS)


@pytest.fixture
def key(authenticator: Authenticator) -> tuple[ApiKey, str]:
    return authenticator.keys.create("first")


Key = tuple[ApiKey, str]


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "{}", "  Bearer   {} "])
def test_a_token_is_accepted_with_and_without_the_word_bearer(
    authenticator: Authenticator, key: Key, form: str
) -> None:
    token = authenticator.login(key[1])
    caller = authenticator.authenticate(read_credentials([form.format(token)], []))
    assert caller == key[0].caller


def test_an_api_key_is_accepted_alone(authenticator: Authenticator, key: Key) -> None:
    assert authenticator.authenticate(Credentials(api_key=key[1])) == key[0].caller


def test_a_bad_token_is_refused_beside_a_good_key(authenticator: Authenticator, key: Key) -> None:
    with pytest.raises(Unauthorized):
        authenticator.authenticate(Credentials("no", key[1]))


def test_a_good_token_wins_over_a_bad_key(authenticator: Authenticator, key: Key) -> None:
    token = authenticator.login(key[1])
    caller = authenticator.authenticate(Credentials(token, "no"))
    assert caller == key[0].caller


def test_revoking_a_key_ends_its_tokens_at_once(authenticator: Authenticator, key: Key) -> None:
    token = authenticator.login(key[1])
    authenticator.keys.revoke("first")
    for credentials in (Credentials(token), Credentials(api_key=key[1])):
        with pytest.raises(Unauthorized):
            authenticator.authenticate(credentials)
    with pytest.raises(Unauthorized):
        authenticator.login(key[1])


def test_a_token_of_a_key_that_is_gone_is_refused(authenticator: Authenticator) -> None:
    with pytest.raises(Unauthorized):
        authenticator.authenticate(Credentials(TOKENS.issue(KeyId("gone"))))


def test_nobody_is_refused(authenticator: Authenticator) -> None:
    with pytest.raises(Unauthorized, match="x-api-key"):
        authenticator.authenticate(Credentials())
