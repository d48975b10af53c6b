"""Each operation needs a permission; a key without it is refused before anything is done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, fields

import httpx
import pytest

from perse.api.app import OPERATIONS
from perse.api.http.needs import ANY_KEY
from perse.api.http.openapi import openapi_document
from perse.api.http.operations import Operation
from perse.auth.recent import TRUSTED_S
from perse.domain.access import ALL_PERMISSIONS, Permission
from tests.fakes.faces import picture
from tests.served import Served, serving, until_status

NOBODY = "00000000-0000-4000-8000-000000000000"
PUBLIC = {"/v0/login", "/health/live", "/health/ready", "/version", "/metrics"}
PUBLIC |= {"/.well-known/jwks.json"}
GUARDED = [it for it in OPERATIONS if it.needs and it.needs != ANY_KEY]
ENROLLED = "/v0/face/enrollment"
LIST = f"{ENROLLED}/list"


def named(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as server:
        yield server


def client_that_may(served: Served, *permissions: Permission) -> httpx.Client:
    """Of the first key's tenant."""
    name = f"{len(served.services.store.all())}"
    _, key = served.services.keys.create(
        name, permissions=frozenset(permissions), tenant_of="first"
    )
    return httpx.Client(base_url=served.url, headers={"x-api-key": key}, timeout=10)


def send(client: httpx.Client, operation: Operation) -> httpx.Response:
    """Something that a known caller is refused for otherwise, if at all."""
    path = operation.path.replace("{name}", "staff")
    for parameter in operation.parameters:
        path = path.replace(f"{{{parameter.name}}}", NOBODY)
    return client.request(operation.method, path)


def test_no_operation_leaves_open_what_it_needs() -> None:
    declared = next(it for it in fields(Operation) if it.name == "needs")
    assert declared.default is declared.default_factory is MISSING
    assert {it.path for it in OPERATIONS if it.needs is None} == PUBLIC
    assert {named(it) for it in OPERATIONS if it.needs == ANY_KEY} == {
        "GET /v1/access",
        "GET /v1/usage",
    }


def test_every_permission_is_needed_for_something() -> None:
    needed = {one for it in GUARDED if it.needs for one in it.needs.permissions}
    assert needed == ALL_PERMISSIONS


@pytest.mark.parametrize("operation", GUARDED, ids=named)
def test_a_key_that_may_all_but_this_is_refused(served: Served, operation: Operation) -> None:
    assert operation.needs
    needed = set(operation.needs.permissions).union(*operation.needs.with_field.values())
    with client_that_may(served, *(ALL_PERMISSIONS - needed)) as client:
        refused = send(client, operation)
    told = refused.json()
    assert (refused.status_code, told["status"], told["code"]) == (403, 403, "permission_missing")
    missing = [it for it in Permission if it in operation.needs.permissions]
    assert all(permission.meaning in told["message"] for permission in missing)
    assert f"perse keys allow NAME {' '.join(missing)}" in told["message"]


@pytest.mark.parametrize("operation", GUARDED, ids=named)
def test_a_key_that_may_this_alone_is_not_refused_for_it(
    served: Served, operation: Operation
) -> None:
    assert operation.needs
    with client_that_may(served, *operation.needs.permissions) as client:
        assert send(client, operation).status_code != 403


@pytest.mark.parametrize("operation", GUARDED, ids=named)
def test_the_document_says_what_is_needed(operation: Operation) -> None:
    assert operation.needs
    described = openapi_document([operation])["paths"][operation.path][operation.method.lower()]
    assert operation.needs.sentence
    assert operation.needs.sentence in described["description"]
    assert "permission_missing" in described["responses"]["403"]["description"]


def test_a_refused_body_is_not_read(served: Served) -> None:
    """Refused at once, although most of the body never comes."""
    with client_that_may(served, Permission.READ) as client:
        key = client.headers["x-api-key"]
    head = (
        f"POST /v0/face/detect HTTP/1.1\r\nHost: x\r\nx-api-key: {key}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000\r\n"
        "Expect: 100-continue\r\n\r\n"
    )
    assert served.send(head.encode()).status == 403


def test_comparing_with_somebody_enrolled_needs_another_permission_than_two_pictures(
    served: Served,
) -> None:
    pictures = {"image_file1": picture(), "image_file2": picture()}
    with served.client() as client:
        token = client.post(ENROLLED, files={"image_file": picture()}).json()["user_token"]
    for may, two_pictures, enrolled in (
        (Permission.FACES, 200, 403),
        (Permission.VERIFY, 403, 200),
    ):
        with client_that_may(served, may) as client:
            told = client.post("/v0/face/compare", files=pictures)
            assert told.status_code == two_pictures, told.text
            told = client.post(
                "/v0/face/compare",
                files={"image_file": picture()},
                data={"user_token": token},
            )
            assert told.status_code == enrolled, told.text


def test_looking_for_duplicates_needs_the_permission_to_search(served: Served) -> None:
    with served.client() as client:
        subject = client.post("/v1/subjects", json={}).json()["id"]
    path, files = f"/v1/subjects/{subject}/faces", {"image_file": picture()}
    with client_that_may(served, Permission.ENROL) as client:
        assert client.post(path, files=files).status_code == 200
        refused = client.post(path, files=files, data={"on_duplicate": "report"})
        assert refused.status_code == 403
        assert "keys allow NAME identify`" in refused.json()["message"]
    with client_that_may(served, Permission.ENROL, Permission.IDENTIFY) as client:
        answer = client.post(path, files=files, data={"on_duplicate": "report"})
        assert answer.status_code == 200


def test_what_is_refused_is_not_in_the_ledger(served: Served) -> None:
    before = len(served.services.ledger.links)
    with client_that_may(served, Permission.FACES) as client:
        files, data = {"image_file": picture()}, {"user_token": NOBODY}
        assert client.post("/v0/face/compare", files=files, data=data).status_code == 403
    assert len(served.services.ledger.links) == before


def test_a_session_token_may_do_what_its_key_may_and_no_more(served: Served) -> None:
    with client_that_may(served, Permission.READ) as client:
        login = client.post("/v0/login", json={"privateKey": client.headers["x-api-key"]})
        assert login.status_code == 200
        bearer = {"Authorization": f"Bearer {login.json()['token']}"}
    assert httpx.get(served.url + LIST, headers=bearer).status_code == 200
    path = f"{served.url}{ENROLLED}/{NOBODY}"
    assert httpx.delete(path, headers=bearer).status_code == 403


def test_what_is_forbidden_ends_within_a_second_while_the_key_is_used(served: Served) -> None:
    """Also for a session token, when the key itself is what was asked for last."""
    with client_that_may(served, Permission.READ, Permission.DELETE) as client:
        name = str(len(served.services.store.all()) - 1)
        login = client.post("/v0/login", json={"privateKey": client.headers["x-api-key"]})
        bearer = {"Authorization": f"Bearer {login.json()['token']}"}
        assert httpx.get(served.url + LIST, headers=bearer).status_code == 200
        served.services.keys.forbid(name, [Permission.READ])
        assert until_status(403, lambda: client.get(LIST)) < TRUSTED_S + 0.5
        assert httpx.get(served.url + LIST, headers=bearer).status_code == 403
        served.services.keys.allow(name, [Permission.READ])
        assert until_status(200, lambda: client.get(LIST)) < TRUSTED_S + 0.5
