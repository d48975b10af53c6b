"""How pages and their files leave the server."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.served import Served, serving


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as server:
        yield server


@pytest.mark.parametrize("form", ["/capture", "/capture/"])
def test_a_page_runs_its_own_files_only_and_is_in_nobodys_frame(served: Served, form: str) -> None:
    headers = httpx.get(served.url + form).headers
    assert headers["content-type"] == "text/html; charset=utf-8"
    directives = headers["content-security-policy"].split("; ")
    assert directives[0] == "default-src 'none'"
    for directive in (
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ):
        assert directive in directives
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["permissions-policy"].startswith("camera=(self), microphone=(self)")
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "name", ["index.html", "__init__.py", "../pages.py", "%2e%2e/pages.py", "..%2fpages.py"]
)
def test_no_other_file_is_served(served: Served, name: str) -> None:
    assert served.send(f"GET /capture/{name} HTTP/1.1\r\nHost: x\r\n\r\n".encode()).status == 404


def test_a_head_tells_what_a_get_would(served: Served) -> None:
    address = f"{served.url}/capture/page.css"
    got, told = httpx.get(address), httpx.head(address)
    assert told.content == b""
    for name in ("content-length", "content-type", "etag", "cache-control"):
        assert told.headers[name] == got.headers[name]
