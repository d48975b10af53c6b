from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace

import httpx
import pytest

from perse.api.app import OPERATIONS
from perse.api.http.forms import FieldKind
from perse.api.http.operations import Operation
from perse.domain.consent import Declaration, Processing
from perse.evaluation.shelf import EvaluationShelf
from tests.fakes.faces import picture
from tests.fakes.services import FakeServices, settings
from tests.fakes.voices import recording
from tests.served import Served, serving

CONSENT = "client_declaration_enduser_consent"
EVALUATION = "staff"


@pytest.fixture(scope="module")
def served_by_mode() -> Iterator[dict[str, Served]]:
    with (
        serving(FakeServices(settings(consent="recorded"))) as recorded,
        serving(FakeServices(settings(consent="required"))) as required,
    ):
        yield {"recorded": recorded, "required": required}


RULES = [
    ("true", "recorded", 200, None),
    (" true\r\n", "recorded", 200, None),
    (None, "recorded", 200, None),
    ("false", "recorded", 400, "enduser_consent_required"),
    ("", "recorded", 400, "invalid_parameter"),
    ("True", "recorded", 400, "invalid_parameter"),
    ("yes", "recorded", 400, "invalid_parameter"),
    ("1", "recorded", 400, "invalid_parameter"),
    ("true", "required", 200, None),
    (None, "required", 400, "enduser_consent_required"),
    ("false", "required", 400, "enduser_consent_required"),
    ("maybe", "required", 400, "invalid_parameter"),
]


@pytest.mark.parametrize(("declared", "mode", "status", "code"), RULES)
def test_consent(
    served_by_mode: dict[str, Served],
    declared: str | None,
    mode: str,
    status: int,
    code: str | None,
) -> None:
    served = served_by_mode[mode]
    faces = served.services.faces
    before = len(faces.decoded)
    with served.client() as client:
        data = {} if declared is None else {CONSENT: declared}
        answer = client.post("/v0/face/detect", files={"image_file": picture()}, data=data)
    assert answer.status_code == status
    assert answer.json().get("code") == code
    assert (len(faces.decoded) > before) == (status == 200), "refused pictures are not processed"


@dataclass(frozen=True)
class Request:
    """One way to call an operation, made from what it declares."""

    operation: Operation
    fields: tuple[str, ...]

    @property
    def expected(self) -> Processing | None:
        processes = self.operation.processes
        if processes and processes.of_user and processes.of_user[0].name in self.fields:
            return processes.of_user[1]
        return processes.processing if processes else None

    def __str__(self) -> str:
        return f"{self.operation.method} {self.operation.path} {' '.join(self.fields)}".strip()


def _requests(operation: Operation) -> Iterator[Request]:
    required = tuple(field.name for field in operation.form if field.required)
    for alternative in operation.one_of or ((),):
        yield Request(operation, (*required, *alternative))


REQUESTS = [request for operation in OPERATIONS for request in _requests(operation)]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("evaluations")
    provenance = {"kind": "face", "pack": "standard", "at": "2026-11-28T10:00:00+00:00"}
    (folder / f"{EVALUATION}.json").write_text(json.dumps({"provenance": provenance}))
    with serving(FakeServices(evaluations=EvaluationShelf(folder))) as server:
        yield server


def _sent(served: Served, request: Request, declared: str) -> httpx.Response:
    """The answer to the request, all of whose files and tokens are good."""
    operation, kinds = request.operation, {f.name: f.kind for f in request.operation.form}
    contents = {FieldKind.PICTURE: picture(), FieldKind.RECORDING: recording()}
    files = {n: contents[kinds[n]] for n in request.fields if kinds[n] is not FieldKind.TEXT}
    data = {n: _enrolled(served) for n in request.fields if kinds[n] is FieldKind.TEXT}
    path = operation.path.format(**_kept(served, operation))
    body: dict[str, object] = {}
    if operation.tag == "login":
        body = {"privateKey": served.services.api_key}
    if _declares_in_json(operation):
        body = {CONSENT: declared == "true"}
    served.services.ledger.links.clear()
    served.services.faces.decoded.clear()
    with served.client() as client:
        if operation.form:
            return client.request(
                operation.method, path, files=files, data={**data, CONSENT: declared}
            )
        return client.request(operation.method, path, json=body if operation.json_body else None)


def _declares_in_json(operation: Operation) -> bool:
    return CONSENT in (operation.json_body or {}).get("properties", {})


def _kept(served: Served, operation: Operation) -> dict[str, str]:
    """What a path may name, made anew; a collection but where the operation makes it."""
    wanted = [parameter.name for parameter in operation.parameters if parameter.location == "path"]
    kept = {"name": str(uuid.uuid4())}
    if operation.path.startswith("/v1/evaluations"):
        return {"name": EVALUATION}
    with served.client() as client:
        if "name" in wanted and operation.method != "PUT":
            client.put(f"/v1/collections/{kept['name']}")
        if "session_id" in wanted:
            kept["session_id"] = client.post("/v1/liveness/sessions", json={}).json()["session_id"]
        if "user_token" in wanted or "subject_id" in wanted:
            kept["user_token"] = kept["subject_id"] = kept["sample_id"] = _enrolled(served)
            voices = f"/v1/subjects/{kept['subject_id']}/voices"
            voice = client.post(voices, files={"audio_file": recording()}).json()
            if "/voices/" in operation.path:
                kept["sample_id"] = voice["id"]
    return kept


def _enrolled(served: Served) -> str:
    with served.client() as client:
        answer = client.post("/v0/face/enrollment", files={"image_file": picture()})
    return str(answer.json()["user_token"])


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
def test_every_operation_records_what_it_declares_and_nothing_else(
    served: Served, request_: Request
) -> None:
    answer = _sent(served, request_, "true")
    assert answer.status_code == 200, answer.text
    written = [(e.operation, e.declaration) for e in served.services.ledger.entries]
    asks = request_.operation.form or _declares_in_json(request_.operation)
    declared = Declaration.GIVEN if asks else Declaration.NOT_NEEDED
    assert written == ([(request_.expected, declared)] if request_.expected else [])


@pytest.mark.parametrize("request_", [r for r in REQUESTS if r.operation.form], ids=str)
def test_whatever_takes_a_form_obeys_a_refusal_and_records_it(
    served: Served, request_: Request
) -> None:
    answer = _sent(served, request_, "false")
    assert answer.json()["code"] == "enduser_consent_required"
    assert served.services.faces.decoded == []
    (entry,) = served.services.ledger.entries
    assert (entry.operation, entry.declaration) == (request_.expected, Declaration.REFUSED)


def test_an_operation_that_takes_a_picture_must_say_what_it_does_with_it() -> None:
    detect = next(operation for operation in OPERATIONS if operation.path == "/v0/face/detect")
    with pytest.raises(ValueError, match="say what it processes"):
        replace(detect, processes=None)
