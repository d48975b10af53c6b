"""perse under a path of a real nginx, looked at with a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page

from tests.fakes.faces import picture
from tests.fakes.services import FakeServices, settings
from tests.nginx import needs_nginx, nginx
from tests.served import serving

pytestmark = needs_nginx

# With a path behind the address nginx takes /bio off, without one it leaves it on.
LOCATIONS = """
location /bio/ {{
    proxy_pass {address}/;
    proxy_set_header X-Forwarded-Prefix /bio;
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
    return FakeServices(settings(trusted_proxies="127.0.0.0/8"))


@pytest.fixture(scope="module")
def proxy(services: FakeServices, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("nginx")
    with serving(services) as served, nginx(folder, LOCATIONS.format(address=served.url)) as url:
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
