"""Swagger UI without internet."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page

from tests.served import Served, serving


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as server:
        yield server


@pytest.mark.parametrize("form", ["/swagger", "/swagger/"])
def test_the_page_loads_only_files_of_this_server(served: Served, form: str) -> None:
    page = httpx.get(served.url + form)
    assert page.headers["content-type"].startswith("text/html")
    loaded = re.findall(r'(?:src|href|data-document)="([^"]*)"', page.text)
    assert len(loaded) == 5
    for address in loaded:
        assert address.startswith("/")
        assert httpx.get(served.url + address).status_code == 200
    assert "://" not in page.text


def test_the_page_may_run_nothing_else(served: Served) -> None:
    policy = httpx.get(f"{served.url}/swagger/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "connect-src 'self';" in policy


@pytest.mark.parametrize(
    "name", ["../__init__.py", "index.html", "%2e%2e/start.js", "swagger-ui.js"]
)
def test_no_other_file_is_served(served: Served, name: str) -> None:
    assert served.send(f"GET /swagger/{name} HTTP/1.1\r\nHost: x\r\n\r\n".encode()).status == 404


def test_files_are_kept_by_browsers_until_they_change(served: Served) -> None:
    address = f"{served.url}/swagger/swagger-ui.css"
    first = httpx.get(address)
    assert first.headers["content-type"].startswith("text/css")
    assert first.headers["cache-control"] == "no-cache"
    for known in (first.headers["etag"], f'"other", W/{first.headers["etag"]}'):
        again = httpx.get(address, headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    changed = httpx.get(address, headers={"if-none-match": '"other"'})
    assert changed.content == first.content


def test_a_browser_shows_the_operations(served: Served, page: Page) -> None:
    page.goto(f"{served.url}/swagger/")
    for operation in ("/v0/face/detect", "/v0/login", "/health/ready"):
        page.locator(f'[data-path="{operation}"]').first.wait_for()
    assert "Failed to load" not in page.content()
