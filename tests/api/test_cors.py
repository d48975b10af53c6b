"""Scripts of other origins: what a browser is told that it may do."""

from __future__ import annotations

import httpx
import pytest

from perse.errors import SettingsInvalid
from perse.settings import load_settings
from tests.fakes.services import FakeServices, app_over, settings

DETECT = "/v0/face/detect"
SHOP = "https://shop.example"
# What tracing libraries and tunnels add to every request of a page.
ADDED_BY_OTHERS = [
    "sentry-trace",
    "baggage",
    "traceparent",
    "tracestate",
    "request-id",
    "request-context",
    "x-correlation-id",
    "x-datadog-trace-id",
    "x-cloud-trace-context",
    "b3",
    "newrelic",
    "elastic-apm-traceparent",
    "ngrok-skip-browser-warning",
    "bypass-tunnel-reminder",
]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def _ask(
    origin: str = SHOP,
    *,
    method: str = "POST",
    headers: str = "x-api-key",
    more: dict[str, str] | None = None,
    **changes: object,
) -> httpx.Response:
    """The answer to a preflight."""
    transport = httpx.ASGITransport(app_over(FakeServices(settings(**changes))))
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
        **(more or {}),
    }
    async with httpx.AsyncClient(transport=transport, base_url="http://perse.test") as client:
        return await client.options(DETECT, headers=asked)


def _allowed(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 200
    return {
        name.strip().lower() for name in answer.headers["access-control-allow-headers"].split(",")
    }


@pytest.mark.parametrize("name", ADDED_BY_OTHERS)
@pytest.mark.anyio
async def test_what_libraries_add_to_requests_is_allowed(name: str) -> None:
    answer = await _ask(headers=f"{name},x-api-key")
    assert {name, "x-api-key"} <= _allowed(answer)
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("asked", ["x-unknown", "x-api-key, x-unknown", "", ",", "{}", "x" * 9000])
@pytest.mark.anyio
async def test_an_unknown_header_is_left_out_and_no_error(asked: str) -> None:
    allowed = _allowed(await _ask(headers=asked))
    assert "x-unknown" not in allowed
    assert {"x-api-key", "authorization", "content-type", "idempotency-key"} <= allowed


@pytest.mark.anyio
async def test_further_headers_are_a_setting() -> None:
    answer = await _ask(headers="x-shop", cors_headers="X-Shop, X-Till")
    assert {"x-shop", "x-till", "x-api-key"} <= _allowed(answer)
    assert "sentry-trace" not in _allowed(answer)


@pytest.mark.anyio
async def test_any_header_may_be_allowed() -> None:
    assert _allowed(await _ask(headers="x-one, x-two", cors_headers="*")) == {"x-one", "x-two"}


@pytest.mark.parametrize("value", ["X Shop", "X-Shop:", "x-é", "x\r\ny"])
def test_what_is_no_name_of_a_header_stops_the_start(value: str) -> None:
    with pytest.raises(SettingsInvalid, match="PERSE_CORS_HEADERS"):
        load_settings(cors_headers=value)


@pytest.mark.parametrize("method", ["PROPFIND", "TRACE", "post", "{}"])
@pytest.mark.anyio
async def test_an_unknown_method_is_left_out_and_no_error(method: str) -> None:
    answer = await _ask(method=method)
    assert answer.status_code == 200
    assert (
        answer.headers["access-control-allow-methods"] == "GET, POST, PUT, PATCH, DELETE, OPTIONS"
    )


@pytest.mark.anyio
async def test_a_private_network_is_no_error_either() -> None:
    answer = await _ask(more={"Access-Control-Request-Private-Network": "true"})
    assert answer.status_code == 200
    assert "access-control-allow-private-network" not in answer.headers


@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [
        (("*",), SHOP, "*"),
        (("*",), "null", "*"),
        ((SHOP,), SHOP, SHOP),
        ((SHOP,), "https://evil.example", None),
        ((SHOP,), f"{SHOP}.evil.example", None),
        ((), SHOP, None),
    ],
)
@pytest.mark.anyio
async def test_which_origins_may_call_is_a_setting(
    origins: tuple[str, ...], origin: str, allowed: str | None
) -> None:
    asked = await _ask(origin, cors_origins=origins)
    assert asked.status_code == 200
    assert asked.headers.get("access-control-allow-origin") == allowed
    transport = httpx.ASGITransport(app_over(FakeServices(settings(cors_origins=origins))))
    async with httpx.AsyncClient(transport=transport, base_url="http://perse.test") as client:
        answer = await client.get("/health/live", headers={"Origin": origin})
    assert answer.status_code == 200
    assert answer.headers.get("access-control-allow-origin") == allowed
    assert "Origin" in answer.headers["vary"] or allowed == "*"
