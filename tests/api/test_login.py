"""Login and credentials over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import httpx
import pytest

from tests.fakes.faces import picture
from tests.served import Served, form, part, post, serving, until_refused

UNKNOWN_KEY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def anybody(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, timeout=10) as http:
        yield http


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "invalid_parameter"),
        (b"{", 400, "invalid_parameter"),
        (b"[]", 400, "invalid_parameter"),
        (b"null", 400, "invalid_parameter"),
        (b'"key"', 400, "invalid_parameter"),
        (b"\xff\xfe\x00", 400, "invalid_parameter"),
        (b"[" * 4000, 400, "invalid_parameter"),
        (b'{"a":' * 800, 400, "invalid_parameter"),
        (b'{"privateKey": "' + b"x" * 5000 + b'"}', 400, "invalid_parameter"),
        (b"{}", 400, "form_key_missing"),
        (b'{"privatekey": "x"}', 400, "form_key_missing"),
        (b'{"privateKey": null}', 400, "invalid_parameter"),
        (b'{"privateKey": 1}', 400, "invalid_parameter"),
        (b'{"privateKey": ["x"]}', 400, "invalid_parameter"),
        (b'{"privateKey": ""}', 401, "unauthorized"),
        (b'{"privateKey": "\\ud800"}', 401, "unauthorized"),
        (b'{"privateKey": "no key"}', 401, "unauthorized"),
        (f'{{"privateKey": "{UNKNOWN_KEY}"}}'.encode(), 401, "unauthorized"),
    ],
)
def test_a_login_that_is_refused(
    anybody: httpx.Client, body: bytes, status: int, code: str
) -> None:
    answer = anybody.post("/v0/login", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
def test_the_type_of_the_body_does_not_matter(
    served: Served, anybody: httpx.Client, content_type: str
) -> None:
    body = f'{{"privateKey": "{served.services.api_key}", "more": 1}}'
    answer = anybody.post("/v0/login", content=body, headers={"content-type": content_type})
    assert answer.status_code == 200
    assert answer.json()["token"].count(".") == 2


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer x.y.z"},
        {"Authorization": "x" * 20_000},
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"x-api-key": ""},
        {"x-api-key": "x" * 20_000},
        {"x-api-key": UNKNOWN_KEY},
    ],
)
@pytest.mark.parametrize("path", ["/v0/face/detect", "/v0/face/compare"])
def test_bad_credentials_are_refused_before_the_body_is_looked_at(
    anybody: httpx.Client, path: str, headers: dict[str, str]
) -> None:
    answer = anybody.post(path, content=b"no form", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == 'Bearer realm="perse"'


def test_revoking_a_key_ends_its_sessions_within_a_second() -> None:
    with serving() as served, httpx.Client(base_url=served.url) as anybody:
        _, text = served.services.keys.create("phone app")
        token = anybody.post("/v0/login", json={"privateKey": text}).json()["token"]
        files = {"image_file": picture()}
        for headers in ({"Authorization": token}, {"x-api-key": text}):
            answer = anybody.post("/v0/face/detect", files=files, headers=headers)
            assert answer.status_code == 200
        served.services.keys.revoke("phone app")
        for headers in ({"Authorization": token}, {"x-api-key": text}):
            until_refused(partial(anybody.post, "/v0/face/detect", files=files, headers=headers))


def test_bearer_wins_over_a_key(served: Served, client: httpx.Client) -> None:
    answer = client.post(
        "/v0/face/detect", files={"image_file": picture()}, headers={"Authorization": "Bearer x"}
    )
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "foreign", ["Basic dXNlcjpwYXNz", "Negotiate YII=", 'Digest username="anna"', "NTLM", ""]
)
def test_a_proxys_own_password_may_stand_beside_a_key(client: httpx.Client, foreign: str) -> None:
    answer = client.post(
        "/v0/face/detect", files={"image_file": picture()}, headers={"Authorization": foreign}
    )
    assert answer.status_code == 200


def test_a_proxys_own_password_opens_nothing(anybody: httpx.Client) -> None:
    answer = anybody.post("/v0/face/detect", headers={"Authorization": "Basic dXNlcjpwYXNz"})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert "x-api-key" in answer.json()["message"]


@pytest.mark.parametrize("name", ["x-api-key", "Authorization"])
def test_two_credentials_that_disagree_are_refused(served: Served, name: str) -> None:
    key = served.services.api_key
    token = served.services.authenticator.login(key)
    good = {"x-api-key": key, "Authorization": f"Bearer {token}"}[name]
    bad = {"x-api-key": UNKNOWN_KEY, "Authorization": "Bearer x.y.z"}[name]
    body = form(part("image_file", picture()))

    def status(*values: str) -> int:
        headers = [f"{name}: {value}" for value in values]
        return served.send(post("/v0/face/detect", body, *headers)).status

    assert status(good) == status(good, good) == 200
    assert status(good, bad) == status(bad, good) == 401


def test_others_can_verify_our_tokens(anybody: httpx.Client) -> None:
    keys = anybody.get("/.well-known/jwks.json").json()["keys"]
    assert [key["alg"] for key in keys] == ["EdDSA"]
    assert all("d" not in key for key in keys)
