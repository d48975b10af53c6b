"""One shape for every error, whoever makes it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
from structlog.testing import capture_logs

from perse import errors
from perse.api.http.error_catalogue import MEANING
from perse.api.http.problems import problem_response, status_of
from tests.fakes.faces import FACE_MAGIC, picture
from tests.served import Served, form, part, post, serving

DETECT = "/v0/face/detect"
COMPARE = "/v0/face/compare"
CONSENT = "client_declaration_enduser_consent"

CONTRACT = {
    "unauthorized": 401,
    "form_key_missing": 400,
    "invalid_parameter": 400,
    "enduser_consent_required": 400,
    "empty_file": 400,
    "file_too_large": 400,
    "content_type_header_missing": 415,
    "invalid_file_type": 415,
    "no_face_detected": 422,
    "image_underexposed": 422,
    "image_overexposed": 422,
    "user_token_not_found": 422,
    "no_speech_detected": 422,
    "not_found": 404,
    "method_not_allowed": 405,
    "rate_limited": 429,
    "overloaded": 503,
    "internal_error": 500,
}


def test_every_code_of_the_contract_has_its_status() -> None:
    assert CONTRACT.items() <= {e.code: status_of(e) for e in MEANING}.items()


def _tree(error: type[errors.PerseError]) -> Iterator[type[errors.PerseError]]:
    yield error
    for child in error.__subclasses__():
        yield from _tree(child)


def test_every_error_a_request_can_meet_is_catalogued() -> None:
    """Groups of the tree have no code of their own; set-up errors never reach a client."""
    own = {error for error in _tree(errors.PerseError) if "code" in vars(error)}
    assert own - set(_tree(errors.SetupError)) == set(MEANING)


def test_an_error_of_the_set_up_is_an_internal_one() -> None:
    assert status_of(errors.WeightsCorrupt) == 500


def test_try_later_says_when() -> None:
    response = problem_response(errors.RateLimited("slow down", retry_after_s=7))
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")


def assert_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body["code"] == code
    assert body["status"] == status
    assert body["message"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize(
    "path",
    ["/v0", "/v0/face", "/v0/voice", "/é", "/v0/face/detect/x"],
)
def test_unknown_paths(client: httpx.Client, method: str, path: str) -> None:
    assert_problem(client.request(method, path), 404, "not_found")


NEARLY = ("/v0%2fface/detect", "/version%2F", "//version", "/./version", "/version/../metrics")


@pytest.mark.parametrize("path", [*NEARLY, "/Version", "/version%20", "/version;x", "/version%2e"])
def test_what_only_looks_like_a_path_of_ours(served: Served, path: str) -> None:
    raw = served.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert (raw.status, raw.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("character", ["%0a", "%0A", "%0d", "%00", "%09", "%1f", "%7f", "%c2%85"])
@pytest.mark.parametrize("path", ["/metrics", "/version", "/v0/face/enrollment/x"])
def test_control_characters_in_a_path(served: Served, path: str, character: str) -> None:
    raw = served.send(f"GET {path}{character} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert (raw.status, raw.json()["code"]) == (400, "invalid_parameter")
    assert raw.headers["x-request-id"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "TRACE", "BREW"])
def test_wrong_methods_name_the_right_ones(served: Served, method: str) -> None:
    raw = served.send(f"{method} {DETECT} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert (raw.status, raw.json()["code"]) == (405, "method_not_allowed")
    assert raw.headers["allow"] == "OPTIONS, POST"


def test_options_without_origin_name_the_methods(client: httpx.Client) -> None:
    answer = client.options(DETECT)
    assert (answer.status_code, answer.headers["allow"]) == (204, "OPTIONS, POST")


Files = dict[str, tuple[str, bytes] | bytes | tuple[None, str]]


@pytest.mark.parametrize(
    ("path", "files", "status", "code"),
    [
        (DETECT, {"image": picture()}, 400, "form_key_missing"),
        (DETECT, {"image_file": b""}, 400, "empty_file"),
        (DETECT, {"image_file": b"GIF89a"}, 415, "invalid_file_type"),
        (DETECT, {"image_file": FACE_MAGIC[:-1]}, 415, "invalid_file_type"),
        (COMPARE, {"image_file1": picture()}, 400, "form_key_missing"),
        (COMPARE, {"image_file2": picture()}, 400, "form_key_missing"),
        (COMPARE, {"image_file": picture()}, 400, "form_key_missing"),
        (COMPARE, {"image_file1": picture(), "image_file2": b""}, 400, "empty_file"),
        (COMPARE, {"image_file1": b"x", "image_file2": picture()}, 415, "invalid_file_type"),
        (COMPARE, {"image_file1": picture(), "image_file2": b"x"}, 415, "invalid_file_type"),
    ],
)
def test_files_that_are_no_good(
    client: httpx.Client, path: str, files: Files, status: int, code: str
) -> None:
    assert_problem(client.post(path, files=files), status, code)


def test_a_missing_file_is_named(client: httpx.Client) -> None:
    answer = client.post(COMPARE, files={"image_file1": picture()})
    assert "image_file2" in answer.json()["message"]


@pytest.mark.parametrize("content_type", [None, "application/json", "text/plain"])
def test_what_is_no_form(client: httpx.Client, content_type: str | None) -> None:
    headers = {"content-type": content_type} if content_type else {}
    answer = client.post(DETECT, content=b"{}", headers=headers)
    assert_problem(answer, 415, "content_type_header_missing")


def test_an_urlencoded_form_is_no_multipart_form(client: httpx.Client) -> None:
    answer = client.post(DETECT, data={"image_file": "x"})
    assert_problem(answer, 415, "content_type_header_missing")


def test_half_a_form(served: Served) -> None:
    body = form(part("image_file", picture()))[:-10]
    answer = served.send(post(DETECT, body, key=served.services.api_key))
    assert (answer.status, answer.json()["code"]) == (400, "invalid_parameter")


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"hello\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 300_000,
    ],
)
def test_what_is_no_request_is_answered_in_the_same_shape(served: Served, garbage: bytes) -> None:
    answer = served.send(garbage)
    assert answer.status == 400
    assert answer.json()["code"] == "invalid_parameter"
    assert answer.headers["connection"] == "close"
    assert answer.headers["x-content-type-options"] == "nosniff"


class SecretFault(RuntimeError):
    pass


def test_a_fault_shows_a_request_id_and_leaves_its_trace_in_the_log() -> None:
    def fail() -> None:
        raise SecretFault("a secret")

    with serving() as served, served.client() as http, capture_logs() as logs:
        served.services.faces.before = fail
        answer = http.post(DETECT, files={"image_file": picture()}, headers={"Origin": "https://a"})
        assert_problem(answer, 500, "internal_error")
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.json()["request_id"] == answer.headers["x-request-id"]
        assert "secret" not in answer.text.lower()
        served.services.faces.before = lambda: None
        assert http.post(DETECT, files={"image_file": picture()}).status_code == 200
    faults = [line for line in logs if line["event"] == "fault"]
    assert [line["request_id"] for line in faults] == [answer.json()["request_id"]]
    assert isinstance(faults[0]["exc_info"], SecretFault)


def test_an_error_of_the_set_up_does_not_reach_clients() -> None:
    def fail() -> None:
        raise errors.WeightsCorrupt("/srv/perse/weights is corrupt")

    with serving() as served, served.client() as http, capture_logs():
        served.services.faces.before = fail
        answer = http.post(DETECT, files={"image_file": picture()})
    assert_problem(answer, 500, "internal_error")
    assert "weights" not in answer.text


def test_messages_are_json_whatever_is_in_them() -> None:
    response = problem_response(errors.InvalidParameter('"\r\n\x00é\ud800'))
    assert json.loads(bytes(response.body))["message"] == '"\r\n\x00é\ud800'
