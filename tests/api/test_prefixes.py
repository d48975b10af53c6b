"""perse under a path of a proxy."""

from __future__ import annotations

import re

import httpx
import pytest

from perse.api.app import create_app
from perse.errors import SettingsInvalid
from perse.settings import load_settings
from tests.fakes.services import FakeServices, settings

HOSTILE = [
    "//evil.example",
    "/bio//evil",
    "https://evil.example",
    "evil",
    "/..",
    "/bio/../admin",
    "/.",
    "/bio/./x",
    "/bio?x",
    "/bio#x",
    '/"><script>',
    "/a b",
    "/%2e%2e",
    "/%00",
    "/bio\\evil",
    "/caf\u00e9",
    "/bio\x00",
    "/bio\x7f",
    "/bio\n",
    "/bio\r\nX: y",
    "/" + "x" * 10_000,
    "/x" * 5_000,
    "/x" * 101,
]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def _get(
    path: str, *, told: str | list[str] | None = None, peer: str = "10.0.0.7", **changes: object
) -> httpx.Response:
    services = FakeServices(settings(trusted_proxies="10.0.0.0/8", **changes))
    transport = httpx.ASGITransport(create_app(services, services.settings), client=(peer, 50_000))
    values = [told] if isinstance(told, str) else told or []
    headers = [("X-Forwarded-Prefix", value.encode("utf-8")) for value in values]
    encoded = [(name.encode(), value) for name, value in headers]
    async with httpx.AsyncClient(transport=transport, base_url="http://perse.test") as client:
        return await client.get(path, headers=encoded)


async def _prefix(**how: object) -> str:
    """The prefix in the links that are answered; page and document say the same."""
    page = (await _get("/swagger/", **how)).text  # type: ignore[arg-type]
    document = (await _get("/openapi.json", **how)).json()  # type: ignore[arg-type]
    links = re.findall(r'(?:src|href|data-document)="([^"]*)/(?:swagger/|openapi)', page)
    assert len(links) == 5
    prefix = str(links[0])
    assert set(links) == {prefix}
    assert document.get("servers") == ([{"url": prefix}] if prefix else None)
    return prefix


@pytest.mark.parametrize("form", ["/bio", "/bio/"])
@pytest.mark.anyio
async def test_a_setting_names_the_path(form: str) -> None:
    assert await _prefix(root_path=form) == "/bio"


@pytest.mark.parametrize("form", ["", "/"])
@pytest.mark.anyio
async def test_at_the_root_there_is_no_prefix(form: str) -> None:
    assert await _prefix(root_path=form) == ""


@pytest.mark.anyio
async def test_a_trusted_proxy_names_the_path_and_wins_over_the_setting() -> None:
    assert await _prefix(told="/bio") == "/bio"
    assert await _prefix(told="/apps/bio/", root_path="/other") == "/apps/bio"


@pytest.mark.parametrize("told", [["/outer", "/inner"], "/outer, /inner/", ["/outer,/inner"]])
@pytest.mark.anyio
async def test_proxies_behind_one_another_add_up(told: str | list[str]) -> None:
    assert await _prefix(told=told) == "/outer/inner"


@pytest.mark.parametrize("peer", ["11.0.0.1", "::1", "testclient"])
@pytest.mark.anyio
async def test_nobody_else_is_believed(peer: str) -> None:
    assert await _prefix(told="/bio", peer=peer) == ""
    assert await _prefix(told="/bio", peer=peer, root_path="/own") == "/own"


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.anyio
async def test_a_hostile_prefix_is_not_repeated(hostile: str) -> None:
    assert await _prefix(told=hostile) == ""
    assert await _prefix(told=["/bio", hostile]) == ""


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_setting_stops_the_start(hostile: str) -> None:
    with pytest.raises(SettingsInvalid, match="PERSE_ROOT_PATH"):
        load_settings(root_path=hostile)


@pytest.mark.parametrize("path", ["/version", "/version/", "/bio/version", "/bio/version/"])
@pytest.mark.anyio
async def test_a_proxy_may_take_the_prefix_off_or_leave_it(path: str) -> None:
    assert (await _get(path, root_path="/bio")).status_code == 200
    assert (await _get(path, told="/bio")).status_code == 200


@pytest.mark.parametrize("path", ["/bio", "/biography/", "/biography/version", "/bio/bio/version"])
@pytest.mark.anyio
async def test_nothing_else_begins_to_exist(path: str) -> None:
    assert (await _get(path, root_path="/bio")).status_code == 404


@pytest.mark.anyio
async def test_a_page_that_depends_on_the_proxy_is_kept_by_no_cache() -> None:
    for path in ("/", "/swagger/", "/openapi.json"):
        assert (await _get(path)).headers["cache-control"] == "no-store"
