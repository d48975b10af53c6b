"""perse under a path of a real nginx, looked at with a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page
from websockets.exceptions import InvalidStatus

from tests.fakes.faces import picture
from tests.fakes.services import FakeServices, settings
from tests.fakes.sockets import SUBPROTOCOL, TOKEN, echo
from tests.nginx import needs_nginx, nginx
from tests.served import serving
from tests.sockets import closed_with, say, talking

pytestmark = needs_nginx

# With a path behind the address nginx takes /bio off, without one it leaves it on.
LOCATIONS = """
location /bio/ {{
    proxy_pass {address}/;
    proxy_set_header X-Forwarded-Prefix /bio;
}}
location /bio/echo {{
    proxy_pass {address}/echo;
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "upgrade";
    proxy_set_header Host $http_host;
}}
location /apps/left-on/ {{
    proxy_pass {address};
    proxy_set_header X-Forwarded-Prefix /apps/left-on;
}}
location / {{ return 404 "outside"; }}
"""
PREFIXES = ["/bio", "/apps/left-on"]


@pytest.fixture(scope="module")
def services() -> FakeServices:
    return FakeServices(settings(trusted_proxies="127.0.0.0/8", cors_origins=""))


@pytest.fixture(scope="module")
def proxy(services: FakeServices, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("nginx")
    with (
        serving(services, sockets=[echo()]) as served,
        nginx(folder, LOCATIONS.format(address=served.url)) as url,
    ):
        yield url


@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_document_says_where_its_operations_are(
    proxy: str, services: FakeServices, prefix: str
) -> None:
    document = httpx.get(f"{proxy}{prefix}/openapi.json").json()
    (server,) = document["servers"]
    assert server == {"url": prefix}
    answer = httpx.post(
        f"{proxy}{server['url']}/v0/face/detect",
        files={"image_file": picture()},
        headers={"x-api-key": services.api_key},
        # A proxy's own password, which nginx passes on.
        auth=("anna", "password"),
    )
    assert answer.json()["total_faces"] == 1


@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_page_loads_its_files_through_the_proxy(proxy: str, prefix: str) -> None:
    page = httpx.get(f"{proxy}{prefix}/swagger/").text
    loaded = re.findall(r'(?:src|href|data-document)="([^"]*)"', page)
    assert len(loaded) == 5
    for address in loaded:
        assert address.startswith(f"{prefix}/")
        assert httpx.get(proxy + address).status_code == 200


@pytest.mark.parametrize(
    "form", [f"{prefix}/swagger{slash}" for prefix in PREFIXES for slash in ("", "/")]
)
def test_a_browser_shows_the_operations_and_where_they_are(
    proxy: str, page: Page, form: str
) -> None:
    page.goto(proxy + form)
    page.locator('[data-path="/v0/face/detect"]').wait_for()
    (server,) = page.locator("select option").all_text_contents()
    assert server.strip().startswith(form.partition("/swagger")[0])
    assert "Failed to load" not in page.content()


@pytest.mark.parametrize("form", ["/bio/capture", "/apps/left-on/capture/"])
def test_a_browser_finds_the_capture_page_and_all_of_its_files(
    proxy: str, page: Page, form: str
) -> None:
    page.goto(proxy + form)
    page.get_by_role("button", name="I agree, start the camera").wait_for()


def test_conversations_pass_the_proxy(proxy: str) -> None:
    with talking(proxy, path="/bio/echo", origin=proxy) as talk:
        talk.send(b"x" * 500_000)
        assert json.loads(talk.recv())["size"] == 500_000
        say(talk, close=4321)
        assert closed_with(talk)[:2] == (4321, "as you like")


def test_refusals_pass_it_too(proxy: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        talking(proxy, SUBPROTOCOL, path="/bio/echo", origin=proxy)
    assert refused.value.response.status_code == 401
    with pytest.raises(InvalidStatus) as refused:
        talking(proxy, path="/bio/echo", origin="https://evil.example")
    assert refused.value.response.status_code == 403


TALK = """([path, ...words]) => new Promise((tell) => {
    const talk = new WebSocket(`ws://${location.host}${path}`, words);
    const lines = [];
    talk.onopen = () => { talk.send(new Uint8Array(300000)); lines.push(talk.protocol); };
    talk.onmessage = (message) => {
        lines.push(JSON.parse(message.data).size);
        talk.send(JSON.stringify({close: 4321}));
    };
    talk.onclose = ({code, reason, wasClean}) => tell([...lines, code, reason, wasClean]);
})"""


def test_a_page_in_a_browser_talks_through_the_proxy(proxy: str, page: Page) -> None:
    page.goto(f"{proxy}/bio/swagger/")
    told = page.evaluate(TALK, ["/bio/echo", SUBPROTOCOL, f"token.{TOKEN}"])
    assert told == [SUBPROTOCOL, 300_000, 4321, "as you like", True]
