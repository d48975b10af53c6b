"""What both clients tell the HTTP library, and how."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from perse_client.conversation import Send
from perse_client.uploads import opened

_CONNECT_TIMEOUT_S = 5.0


def http_settings(base_url: str, timeout_s: float) -> dict[str, Any]:
    """Of the HTTP client. Raises ValueError for an address that is none, or that holds a password:
    such an address would be logged."""
    url = httpx.URL(base_url)
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError("base_url is an address such as https://perse.example")
    if url.userinfo or url.query or url.fragment:
        raise ValueError("base_url has no user, no query and no fragment")
    timeout = httpx.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_TIMEOUT_S))
    return {"base_url": url, "timeout": timeout, "follow_redirects": False}


@contextmanager
def as_request(step: Send) -> Iterator[Mapping[str, Any]]:
    """The arguments of a request; its files are open meanwhile."""
    call, headers = step.call, dict(step.call.headers)
    if step.token:
        headers["Authorization"] = f"Bearer {step.token.text}"
    with opened(call.files) as parts:
        yield {
            "method": call.method,
            "url": call.path,
            "files": parts or None,
            "data": dict(call.fields) or None,
            "json": call.document,
            "params": dict(call.query) or None,
            "headers": headers,
        }
