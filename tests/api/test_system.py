"""What operators see: health, metrics, logs, request ids, and what they must not see."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from perse import __version__
from perse.api.http.boundary import SAFE_HEADERS
from tests.fakes.faces import MODELS, picture
from tests.fakes.services import FakeServices, app_over
from tests.served import Served, serving

DETECT = "/v0/face/detect"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def _get(served: Served, path: str, **headers: str) -> httpx.Response:
    return httpx.get(served.url + path, headers=headers)


def test_a_warmed_server_is_ready(served: Served) -> None:
    assert served.services.warmed.is_set()
    assert _get(served, "/health/live").json() == {"live": True, "status": 200}
    assert _get(served, "/health/ready").json() == {"ready": True, "status": 200}


@pytest.mark.anyio
async def test_a_server_is_not_ready_before_its_networks_have_run() -> None:
    transport = httpx.ASGITransport(app_over(FakeServices()))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        answer = await client.get("/health/ready")
        assert (await client.get("/health/live")).status_code == 200
    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")


def test_the_version_names_pack_and_networks(served: Served) -> None:
    answer = _get(served, "/version").json()
    assert answer == {"version": __version__, "pack": "fake", "models": MODELS, "status": 200}


def test_metrics_count_requests_by_route(served: Served) -> None:
    with served.client() as client:
        client.post(DETECT, files={"image_file": picture()})
        client.post(DETECT + "/", files={"image_file": picture()})
        client.post(DETECT)
    text = _get(served, "/metrics").text
    for line in (
        'perse_http_requests_total{method="POST",route="/v0/face/detect",status="200"} 2.0',
        'perse_http_requests_total{method="POST",route="/v0/face/detect",status="415"} 1.0',
        'perse_model{model="fake-detector",role="face_detector"} 1.0',
        f'perse_info{{pack="fake",version="{__version__}"}} 1.0',
        "perse_work_waiting 0.0",
        "perse_workers_busy 0.0",
    ):
        assert line in text.splitlines()
    assert 'perse_http_request_seconds_count{route="/v0/face/detect"} 3.0' in text


def test_a_scanner_cannot_grow_the_metrics(served: Served) -> None:
    def series() -> int:
        return len(_get(served, "/metrics").text.splitlines())

    with httpx.Client(base_url=served.url) as client:
        client.get("/unknown")
        client.request("UNLOCK", "/unknown")
        client.request("UNLOCK", DETECT)
        series()  # which is counted, too
        before = series()
        for number in range(20):
            client.get(f"/unknown/{number}?q={number}")
            client.request("PROPFIND", f"/{number}")
            client.request("MKCOL", DETECT)
        assert series() == before
    assert "/unknown" not in _get(served, "/metrics").text


@pytest.mark.parametrize("given", ["abc-123", "A.b_c", "x" * 64])
def test_a_sane_request_id_is_kept(served: Served, given: str) -> None:
    assert _get(served, "/version", **{"X-Request-ID": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a;b", '{"a":1}', "<script>"])
def test_any_other_request_id_is_replaced(served: Served, given: str) -> None:
    answered = _get(served, "/version", **{"X-Request-ID": given}).headers["x-request-id"]
    assert answered != given
    assert len(answered) == 32


def test_every_answer_has_the_safe_headers(served: Served) -> None:
    for path in ("/version", "/nothing", "/openapi.json", "/metrics"):
        headers = _get(served, path).headers
        assert {name: headers[name] for name in SAFE_HEADERS} == SAFE_HEADERS
        assert "server" not in headers


@pytest.fixture
def logged() -> Iterator[tuple[Served, list[Any]]]:
    with capture_logs() as logs, serving() as served:
        yield served, logs


def test_a_request_is_one_line_of_facts(logged: tuple[Served, list[Any]]) -> None:
    served, logs = logged
    key = served.services.store.all()[0]
    with served.client() as client:
        answer = client.post(DETECT, files={"image_file": picture()})
        refused = client.post(DETECT, headers={"X-Request-ID": "mine"})
    first, second = logs
    assert first.pop("ms") > 0
    assert first.pop("bytes_in") > len(picture())
    assert first == {
        "event": "request",
        "log_level": "info",
        "request_id": answer.headers["x-request-id"],
        "method": "POST",
        "route": DETECT,
        "status": 200,
        "bytes_out": len(answer.content),
        "key_id": key.key_id,
    }
    assert (second["request_id"], second["status"]) == ("mine", 415)
    assert second["code"] == refused.json()["code"]


def test_logs_hold_no_secret_no_person_and_no_address(
    logged: tuple[Served, list[Any]], caplog: pytest.LogCaptureFixture
) -> None:
    served, logs = logged
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpcore").setLevel(logging.CRITICAL)
    logging.getLogger("httpx").setLevel(logging.CRITICAL)
    api_key = served.services.api_key
    with httpx.Client(base_url=served.url) as client:
        token = client.post("/v0/login", json={"privateKey": api_key}).json()["token"]
        files = {"image_file": ("anna-selfie.jpg", picture())}
        client.post(DETECT, files=files, headers={"Authorization": token})
        client.get(f"/v0/face/enrollment/{api_key}?name=anna")
        client.post(DETECT, files={"image_file": b"anna"}, headers={"x-api-key": api_key})
    said = " ".join([*map(str, logs), *(record.getMessage() for record in caplog.records)])
    for secret in (api_key, token, "anna", "fake picture", "0.97", "127.0.0.1"):
        assert secret not in said


def test_a_websocket_or_an_upgrade_is_an_ordinary_request(served: Served) -> None:
    lines = ["GET /version HTTP/1.1", "Host: x", "Connection: Upgrade", "Upgrade: websocket"]
    answer = served.send("\r\n".join([*lines, "", ""]).encode())
    assert answer.status == 200
