"""Good requests as bytes, to be damaged."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.fakes.faces import picture
from tests.fakes.services import FakeServices
from tests.served import form, part, post

_CONSENT = part("client_declaration_enduser_consent", b"true")


def good_requests(api_key: str) -> Mapping[str, bytes]:
    """One of every form of body."""
    one, two = part("image_file1", picture(1)), part("image_file2", picture(2))
    detect = form(part("image_file", picture(), "Content-Type: image/jpeg"), _CONSENT)
    login = json.dumps({"privateKey": api_key}).encode()
    return {
        "detect": post("/v0/face/detect", detect, key=api_key),
        "detect, chunked": post(
            "/v0/face/detect", _chunked(detect), "Transfer-Encoding: chunked", key=api_key
        ),
        "compare": post("/v0/face/compare", form(one, two), key=api_key),
        "login": b"POST /v0/login HTTP/1.1\r\nHost: perse.test\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(login), login),
        "a page of the list": _get("/v0/face/enrollment/list?limit=3", "x-api-key", api_key),
    }


def good_credentials(services: FakeServices) -> Mapping[str, bytes]:
    """One of every way to say who calls."""
    token = services.authenticator.login(services.api_key)
    path = "/v0/face/enrollment/list"
    return {
        "token": _get(path, "Authorization", f"Bearer {token}"),
        "bare token": _get(path, "Authorization", token),
        "key": _get(path, "x-api-key", services.api_key),
    }


def _get(path: str, header: str, value: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: perse.test\r\n{header}: {value}\r\n\r\n".encode()


def _chunked(body: bytes) -> bytes:
    pieces = [body[start : start + 50] for start in range(0, len(body), 50)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])
