"""Swagger UI without internet."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.served import Served, serving
from tests.web.browser import needs_browser, shown_by_browser


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
    first = httpx.get(f"{served.url}/swagger/swagger-ui.css")
    assert first.headers["cache-control"] == "no-cache"
    assert first.headers["etag"]


@needs_browser
def test_a_browser_shows_the_operations(served: Served) -> None:
    shown = shown_by_browser(f"{served.url}/swagger/")
    for operation in ("/v0/face/detect", "/v0/login", "/health/ready"):
        assert f'data-path="{operation}"' in shown
    assert "Failed to load" not in shown
