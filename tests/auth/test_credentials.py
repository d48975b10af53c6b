"""Which headers are ours, and what they say."""

from __future__ import annotations

import pytest

from perse.auth.credentials import Credentials, read_credentials, session_token
from perse.errors import Unauthorized

# What proxies, browsers and signing gateways put beside an x-api-key.
FOREIGN = [
    "",
    "   ",
    "Basic",
    "Basic dXNlcjpwYXNz",
    "basic dXNlcjpwYXNz",
    'Digest username="anna", realm="x.y.z", nonce="a.b.c", uri="/", response="0"',
    "Negotiate",
    "Negotiate YIIZ==",
    "NTLM TlRMTVNTUAAB",
    "AWS4-HMAC-SHA256 Credential=A/20261128/eu/x/aws4_request, SignedHeaders=host, Signature=00",
    'DPoP eyJ.eyJ.sig, htm="POST"',
    "Token a.b.c",
    "no-token-of-any-kind",
    "Basic dXNlcjpwYXNz, Bearer a.b.c",
    "é.è.ê",
]


@pytest.mark.parametrize("header", FOREIGN)
def test_a_scheme_of_somebody_else_says_nothing(header: str) -> None:
    assert session_token(header) is None
    assert read_credentials([header], ["key"]) == Credentials(api_key="key")


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer a.b.c", "a.b.c"),
        ("bEARER \t a.b.c ", "a.b.c"),
        ("a.b.c", "a.b.c"),
        ("  a.b.c ", "a.b.c"),
        ("..", ".."),
        ("Bearer", ""),
        ("Bearer ", ""),
        ("Bearer undefined", "undefined"),
        ("Bearer a.b.c d", "a.b.c d"),
    ],
)
def test_a_scheme_of_ours_decides_whatever_follows(header: str, token: str) -> None:
    assert session_token(header) == token


def test_a_foreign_scheme_may_stand_beside_ours() -> None:
    both = ["Basic dXNlcjpwYXNz", "Bearer a.b.c", "Negotiate x"]
    assert read_credentials(both, []) == Credentials(token="a.b.c")


def test_the_same_credential_may_come_twice() -> None:
    sent = read_credentials(["Bearer a.b.c", "a.b.c"], ["key", " key ", ""])
    assert sent == Credentials("a.b.c", "key")


@pytest.mark.parametrize(
    ("authorization", "api_key"),
    [(["Bearer a.b.c", "Bearer d.e.f"], []), (["Bearer", "a.b.c"], []), ([], ["one", "other"])],
)
def test_credentials_that_disagree_are_refused(
    authorization: list[str], api_key: list[str]
) -> None:
    with pytest.raises(Unauthorized, match="2 different"):
        read_credentials(authorization, api_key)


def test_an_empty_key_is_none() -> None:
    assert read_credentials([], ["", " "]) == Credentials()


def test_repr_shows_no_secret() -> None:
    assert "secret" not in repr(Credentials("secret", "secret"))
