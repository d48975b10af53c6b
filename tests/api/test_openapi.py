"""The document is complete, and the server keeps what it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import settings as bounded
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import positive_data_acceptance

from perse.api.app import OPERATIONS
from perse.api.http.forms import FieldKind
from perse.api.http.openapi import openapi_document
from perse.api.http.operations import Operation
from perse.api.http.problems import status_of
from perse.api.v1.examples import DETAILS, SUBJECT_ID
from perse.auth.api_keys import utc_now
from perse.domain.references import UserToken
from perse.domain.subjects import parse_collection_name
from perse.domain.throttling import Guesses
from tests.fakes.faces import EMPTY_SCENE, FakeFaces, picture
from tests.fakes.services import FakeServices, settings
from tests.fakes.storage import FakePerson
from tests.fakes.subject_services import MOST
from tests.fakes.voices import recording
from tests.served import Served, serving

DOCUMENT = openapi_document(OPERATIONS)
BY_NAME = {f"{operation.method} {operation.path}": operation for operation in OPERATIONS}


def _described(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = DOCUMENT["paths"][operation.path][operation.method.lower()]
    return described


def _violations(answer: object, operation: Operation, status: str = "200") -> list[str]:
    content = _described(operation)["responses"][status]["content"]["application/json"]
    schema = {**content["schema"], "components": DOCUMENT["components"]}
    return [error.message for error in jsonschema_rs.Draft4Validator(schema).iter_errors(answer)]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """Room for everything: overload has tests of its own."""
    with serving(FakeServices(settings(queue_size=1000))) as server:
        yield server


@pytest.mark.parametrize("name", BY_NAME)
def test_every_operation_tells_its_purpose_and_its_errors(name: str) -> None:
    operation = BY_NAME[name]
    described = _described(operation)
    assert described["summary"]
    assert described["operationId"]
    for error in operation.errors:
        problem = described["responses"][str(status_of(error))]
        assert error.code in problem["content"]["application/json"]["examples"]
        assert error.code in problem["description"]
    assert {"200", "500", "503"} <= set(described["responses"])
    assert ("401" in described["responses"]) == (operation.secured or operation.tag == "login")
    assert bool(described["security"]) == operation.secured


STATUSES = {
    "POST /v0/face/detect": {"200", "400", "401", "415"},
    "POST /v0/face/compare": {"200", "400", "401", "415", "422"},
    "POST /v0/voice/compare": {"200", "400", "401", "415", "422"},
    "POST /v0/face/enrollment": {"200", "400", "401", "415", "422"},
    "PUT /v0/face/enrollment": {"200", "400", "401", "415", "422"},
}


@pytest.mark.parametrize("name", STATUSES)
def test_the_operations_document_the_statuses_of_the_contract(name: str) -> None:
    assert STATUSES[name] <= set(_described(BY_NAME[name])["responses"])


def test_operation_ids_are_unique() -> None:
    ids = [_described(operation)["operationId"] for operation in OPERATIONS]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", BY_NAME)
def test_examples_are_what_the_schemas_say(name: str) -> None:
    operation = BY_NAME[name]
    if operation.example is not None:
        assert _violations(operation.example, operation) == []
    for status, response in _described(operation)["responses"].items():
        for example in response["content"].get("application/json", {}).get("examples", {}).values():
            assert _violations(example["value"], operation, status) == []


def test_every_field_of_a_form_is_described() -> None:
    for operation in OPERATIONS:
        if not operation.form:
            continue
        body = _described(operation)["requestBody"]["content"]["multipart/form-data"]["schema"]
        assert set(body["properties"]) == {field.name for field in operation.fields}
        for field in operation.fields:
            assert field.description
            is_file = body["properties"][field.name].get("format") == "binary"
            assert is_file == (field.kind is not FieldKind.TEXT)


ANSWERS: Mapping[str, dict[str, bytes]] = {
    "POST /v0/face/detect": {"image_file": picture()},
    "POST /v0/face/compare": {"image_file1": picture(1), "image_file2": picture(2)},
}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("live", [True, False])
def test_answers_hold_exactly_what_the_example_and_the_schema_show(name: str, live: bool) -> None:
    services = FakeServices(faces=FakeFaces() if live else FakeFaces(pad=None))
    with serving(services) as served, served.client() as client:
        operation = BY_NAME[name]
        answer = client.request(operation.method, operation.path, files=ANSWERS[name]).json()
    assert _violations(answer, operation) == []
    assert operation.example is not None
    of_liveness = {"liveness_score", "liveness_assessable"}
    without = set() if live or "similarity" not in answer else of_liveness
    assert set(answer) == set(operation.example) - without
    assert ("liveness_score" in str(answer)) == live
    assert "null" not in str(answer).lower()
    assert "None" not in str(answer)


def test_answers_of_subjects_hold_what_the_example_and_the_schema_show() -> None:
    services = FakeServices()
    with serving(services) as served, served.client() as client:
        client.put("/v1/collections/staff")
        answers = {"POST /v1/subjects": client.post("/v1/subjects", json=DETAILS).json()}
        one = f"/v1/subjects/{answers['POST /v1/subjects']['id']}"
        path = "/v1/subjects/{subject_id}"
        face, voice = {"image_file": picture(1)}, {"audio_file": recording(1)}
        services.searching.enrol(services.first_key.tenant_id, 1)
        report = {"on_duplicate": "report"}
        for _ in range(MOST):
            client.post(f"{one}/faces", files=face)
        added = client.post(f"{one}/faces", files=face, data=report)
        while added.status_code == 503:
            added = client.post(f"{one}/faces", files=face, data=report)
        answers[f"POST {path}/faces"] = added.json()
        answers[f"POST {path}/voices"] = client.post(f"{one}/voices", files=voice).json()
        answers[f"POST {path}/verify"] = client.post(f"{one}/verify", files=face | voice).json()
        for under in ("", "/faces", "/voices"):
            answers[f"GET {path}{under}"] = client.get(one + under).json()
        answers["GET /v1/collections"] = client.get("/v1/collections").json()
        answers[f"DELETE {path}"] = client.delete(one).json()
    for name, answer in answers.items():
        operation = BY_NAME[name]
        assert operation.example is not None
        assert (name, _violations(answer, operation)) == (name, [])
        assert (name, _keys(answer)) == (name, _keys(operation.example))


def _keys(document: object) -> object:
    """Those of objects within objects and lists, but not of what is kept by name."""
    if isinstance(document, list):
        return [_keys(item) for item in document[:1]]
    if not isinstance(document, dict):
        return None
    by_name = {"quality", "models", "thresholds", "operating_points"}
    return {key: None if key in by_name else _keys(item) for key, item in document.items()}


def test_no_face_is_described_too(served: Served) -> None:
    operation = BY_NAME["POST /v0/face/detect"]
    with served.client() as client:
        answer = client.post(operation.path, files={"image_file": EMPTY_SCENE}).json()
    assert _violations(answer, operation) == []


@pytest.mark.parametrize("name", [name for name, op in BY_NAME.items() if op.tag == "system"])
def test_system_answers_are_as_described(served: Served, name: str) -> None:
    operation = BY_NAME[name]
    answer = httpx.get(served.url + operation.path)
    assert answer.status_code == 200
    if operation.success:
        assert _violations(answer.json(), operation) == []


def test_the_served_document_is_this_one(served: Served) -> None:
    assert httpx.get(f"{served.url}/openapi.json").json() == DOCUMENT


FILES = st.sampled_from(
    [picture(1), picture(2, size=70_000), EMPTY_SCENE, recording(1), b"", b"no picture"]
)
schemathesis.openapi.format("binary", FILES)
API = schemathesis.openapi.from_dict(DOCUMENT)
FEW = bounded(
    max_examples=15,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def with_example_subject(services: FakeServices) -> None:
    """The subject and the collection of the examples are there, whatever was deleted before."""
    tenant, now = services.store.active_named("first").tenant_id, utc_now()
    services.subjects.collections.made[tenant, parse_collection_name("staff")] = now
    token = UserToken(SUBJECT_ID)
    services.references.people[tenant, token] = FakePerson(now, now)
    services.references.failed[tenant, token] = Guesses()


@pytest.mark.parametrize("credential", ["x-api-key", "Authorization"])
@API.parametrize()
@FEW
def test_whatever_is_sent_the_answer_is_documented(
    case: schemathesis.Case[Any], credential: str, served: Served
) -> None:
    services = served.services
    with_example_subject(services)
    token = services.authenticator.login(services.api_key)
    headers = {"x-api-key": services.api_key} if credential == "x-api-key" else {}
    # Beside a good key a made-up scheme is somebody else's, which the tool takes for a break-in.
    case.headers.pop("Authorization", None)
    if credential == "Authorization":
        headers["Authorization"] = f"Bearer {token}"
    case.call_and_validate(base_url=served.url, headers=headers, excluded_checks=UNFIT)


# A schema cannot say what a picture is, so what satisfies it may still be refused.
UNFIT: list[Any] = [positive_data_acceptance]
