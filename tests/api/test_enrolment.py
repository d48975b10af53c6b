from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from perse.domain.consent import Declaration, Processing
from perse.domain.throttling import RateLimit
from perse.errors import StorageUnavailable
from tests.fakes.faces import BRIGHT, DARK, EMPTY_SCENE, HIDDEN, picture
from tests.served import Served, form, part, serving, until_refused

PATH = "/v0/face/enrollment"
CONSENT = "client_declaration_enduser_consent"


@pytest.fixture
def served() -> Iterator[Served]:
    with serving() as server:
        yield server


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with served.client() as http:
        yield http


def enrol(client: httpx.Client, identity: int = 1, **headers: str) -> httpx.Response:
    return client.post(PATH, files={"image_file": picture(identity)}, headers=headers)


def compare(client: httpx.Client, token: str, identity: int = 1) -> httpx.Response:
    return client.post(
        "/v0/face/compare",
        files={"image_file": picture(identity)},
        data={"user_token": token},
    )


def listed(client: httpx.Client) -> list[str]:
    answer = client.get(f"{PATH}/list")
    body = answer.json()
    assert answer.status_code == 200
    assert body["status"] == 200
    assert body["time_taken"] >= 0
    assert body["total_users"] == len(body["user_tokens"])
    tokens: list[str] = body["user_tokens"]
    return tokens


@pytest.mark.parametrize("moved", [None, True, False])
def test_the_answer_says_what_became_of_a_user_of_the_previous_network(
    served: Served, client: httpx.Client, *, moved: bool | None
) -> None:
    enrolment = served.services.enrolment
    enrolment.moved = moved
    enrolment.thresholds = replace(enrolment.thresholds, similarity=0.85)
    answer = compare(client, enrol(client).json()["user_token"]).json()
    assert answer.get("reference_moved") is moved
    assert ("reference_moved" in answer) == (moved is not None)
    assert answer["default_thresholds"]["similarity"] == 0.85


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_whole_life_of_a_user(client: httpx.Client, slash: str) -> None:
    enrolled = client.post(PATH + slash, files={"image_file": picture(1)})
    assert enrolled.status_code == enrolled.json()["status"] == 200
    body = enrolled.json()
    assert set(body) == {
        *("user_token", "model", "quality", "created_at", "updated_at", "time_taken", "status")
    }
    assert set(body["quality"]) == {
        *("underexposure", "overexposure", "sharpness", "color", "rotation", "recognisability")
    }
    token = body["user_token"]
    assert client.get(f"{PATH}/list{slash}").json()["user_tokens"] == [token]
    assert compare(client, token, 1).json()["similarity"] > 0.8
    assert compare(client, token, 2).json()["similarity"] < 0.8

    data = {"user_token": json.dumps(token)}
    updated = client.put(PATH + slash, files={"image_file": picture(2)}, data=data)
    assert updated.json()["user_token"] == token
    assert compare(client, token, 2).json()["similarity"] > 0.8

    deleted = client.delete(f"{PATH}/{token}{slash}")
    assert deleted.status_code == deleted.json()["status"] == 200
    assert deleted.json()["receipt"]
    assert listed(client) == []
    for gone in (
        client.delete(f"{PATH}/{token}"),
        compare(client, token),
        client.put(PATH, files={"image_file": picture(1)}, data={"user_token": token}),
    ):
        assert gone.status_code == 422
        assert gone.json()["code"] == "user_token_not_found"


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (picture(DARK), 422, "image_underexposed"),
        (picture(BRIGHT), 422, "image_overexposed"),
        (picture(HIDDEN), 422, "image_unusable"),
        (EMPTY_SCENE, 422, "no_face_detected"),
        (b"GIF89a", 415, "invalid_file_type"),
        (b"", 400, "empty_file"),
    ],
)
def test_what_cannot_be_enrolled_is_refused_and_written_down(
    served: Served, client: httpx.Client, content: bytes, status: int, code: str
) -> None:
    body = form(part("image_file", content))
    kind = "multipart/form-data; boundary=----perse-test-boundary"
    answer = client.post(PATH, content=body, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert listed(client) == []
    noted = [(e.operation, e.user_token) for e in served.services.ledger.entries]
    assert noted == ([] if code == "empty_file" else [(Processing.ENROL, None)])


def test_fields_that_are_missing_are_named(client: httpx.Client) -> None:
    token = enrol(client).json()["user_token"]
    for answer, name in (
        (client.post(PATH, files={"other": b"x"}), "image_file"),
        (client.put(PATH, files={"image_file": picture()}), "user_token"),
        (
            client.post("/v0/face/compare", files={"x": b""}, data={"user_token": token}),
            "image_file",
        ),
    ):
        assert (answer.status_code, answer.json()["code"]) == (400, "form_key_missing")
        assert name in answer.json()["message"]


@pytest.mark.parametrize("token", ["nobody", "list", "%00", "00000000-0000-4000-8000-000000000000"])
def test_a_token_that_is_none(client: httpx.Client, token: str) -> None:
    assert client.delete(f"{PATH}/{token}").json()["code"] in (
        "user_token_not_found",
        "method_not_allowed",
        "invalid_parameter",  # of a path with control characters
    )
    assert compare(client, token).json()["code"] == "user_token_not_found"


def test_a_repeated_request_gets_the_same_user(client: httpx.Client) -> None:
    first = enrol(client, 1, **{"Idempotency-Key": "form-17"}).json()
    again = enrol(client, 1, **{"Idempotency-Key": "form-17"}).json()
    assert again["user_token"] == first["user_token"]
    assert listed(client) == [first["user_token"]]
    other = enrol(client, 2, **{"Idempotency-Key": "form-17"})
    assert (other.status_code, other.json()["code"]) == (400, "invalid_parameter")


@pytest.mark.parametrize("sent", [[""], ["a b"], ["a", "b"], ["x" * 256]])
def test_a_name_of_a_request_is_what_the_document_says(
    client: httpx.Client, sent: list[str]
) -> None:
    headers = [("Idempotency-Key", name) for name in sent]
    answer = client.post(PATH, files={"image_file": picture()}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")
    assert "Idempotency-Key" in answer.json()["message"]


def test_pages(client: httpx.Client) -> None:
    tokens = [enrol(client, n + 1).json()["user_token"] for n in range(5)]
    page = client.get(f"{PATH}/list", params={"limit": 2}).json()
    assert (page["user_tokens"], page["total_users"]) == (tokens[:2], 5)
    page = client.get(f"{PATH}/list", params={"limit": 9, "after": tokens[1]}).json()
    assert page["user_tokens"] == tokens[2:]
    for limit in ("0", "-1", "two", "", "100001", "9" * 5000, "１"):
        answer = client.get(f"{PATH}/list", params={"limit": limit})
        assert answer.json()["code"] == "invalid_parameter", limit


def test_another_key_knows_none_of_it(served: Served, client: httpx.Client) -> None:
    token = enrol(client).json()["user_token"]
    _, other_key = served.services.keys.create("other")
    with httpx.Client(base_url=served.url, headers={"x-api-key": other_key}) as other:
        assert listed(other) == []
        assert compare(other, token).json()["code"] == "user_token_not_found"
        assert other.delete(f"{PATH}/{token}").json()["code"] == "user_token_not_found"
    assert listed(client) == [token]


def test_a_rotated_key_keeps_its_users(served: Served, client: httpx.Client) -> None:
    token = enrol(client).json()["user_token"]
    _, fresh = served.services.keys.rotate("first", retired_name="first (old)")
    served.services.keys.revoke("first (old)")
    with httpx.Client(base_url=served.url, headers={"x-api-key": fresh}) as renewed:
        assert listed(renewed) == [token]
    until_refused(lambda: client.get(f"{PATH}/list"))


def test_many_failures_are_slowed_down(client: httpx.Client) -> None:
    token = enrol(client).json()["user_token"]
    for _ in range(10):
        assert compare(client, token, 2).status_code == 200
    blocked = compare(client, token, 1)
    assert (blocked.status_code, blocked.json()["code"]) == (429, "rate_limited")
    assert 0 < int(blocked.headers["Retry-After"]) <= 30


def test_calls_over_the_limit_of_a_key_are_refused(served: Served, client: httpx.Client) -> None:
    served.services.buckets.limit = RateLimit(per_second=0.01, burst=2)
    assert [client.get(f"{PATH}/list").status_code for _ in range(3)] == [200, 200, 429]
    assert client.get(f"{PATH}/list").headers["Retry-After"] == "100"
    assert client.get("/health/live").status_code == 200


CALLS = {
    Processing.FACE_DETECT: ("POST", "/v0/face/detect", ("image_file",)),
    Processing.FACE_COMPARE: ("POST", "/v0/face/compare", ("image_file1", "image_file2")),
    Processing.FACE_VERIFY: ("POST", "/v0/face/compare", ("image_file",)),
    Processing.ENROL: ("POST", PATH, ("image_file",)),
    Processing.UPDATE: ("PUT", PATH, ("image_file",)),
}


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("true", Declaration.GIVEN),
        (None, Declaration.ABSENT),
        ("false", Declaration.REFUSED),
    ],
)
def test_every_biometric_call_is_in_the_ledger(
    served: Served, operation: Processing, declared: str | None, expected: Declaration
) -> None:
    with served.client() as client:
        token = enrol(client).json()["user_token"]
        served.services.ledger.links.clear()
        decoded = len(served.services.faces.decoded)
        method, path, names = CALLS[operation]
        data = {} if declared is None else {CONSENT: declared}
        if operation in (Processing.FACE_VERIFY, Processing.UPDATE):
            data["user_token"] = token
        files = {name: picture(1) for name in names}
        answer = client.request(method, path, files=files, data=data)
    noted = served.services.ledger.entries
    assert [(e.operation, e.declaration) for e in noted] == [(operation, expected)]
    assert noted[0].key_id == served.services.store.all()[0].key_id
    if expected is Declaration.REFUSED:
        assert answer.json()["code"] == "enduser_consent_required"
        assert len(served.services.faces.decoded) == decoded
    else:
        assert answer.status_code == 200


def test_no_answer_without_its_ledger_entry(served: Served, client: httpx.Client) -> None:
    served.services.ledger.fails_with = StorageUnavailable("the disk is full")
    answer = client.post("/v0/face/detect", files={"image_file": picture()})
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    assert "faces" not in answer.text


def test_a_deletion_is_in_the_ledger(served: Served, client: httpx.Client) -> None:
    token = enrol(client).json()["user_token"]
    client.delete(f"{PATH}/{token}")
    last = served.services.ledger.entries[-1]
    assert (last.operation, last.user_token) == (Processing.DELETE, token)
