"""How a client asks for a conversation (RFC 6455, 4.2), and what it may bring along.

Browsers let no page add a header to this request, and whatever is in an address ends in logs. So a
token comes as one more subprotocol, ``token.`` and the token itself, and is never repeated.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from wsproto.utilities import generate_accept_token

from perse.api.http.problems import WEBSOCKET_VERSION
from perse.errors import InvalidParameter, OriginNotAllowed, UpgradeRequired

TOKEN_PREFIX: Final = "token."  # noqa: S105 - not one
_KEY_BYTES = 16
_DEFAULT_PORTS = {"http": 80, "https": 443}
_NO_BODY = ("", "0")


@dataclass(frozen=True, slots=True)
class Handshake:
    """``token``: empty where none was sent."""

    key: str
    subprotocol: str
    token: str

    def answer(self) -> list[tuple[bytes, bytes]]:
        """The headers that take it up."""
        return [
            (b"upgrade", b"websocket"),
            (b"connection", b"Upgrade"),
            (b"sec-websocket-accept", generate_accept_token(self.key.encode())),
            (b"sec-websocket-protocol", self.subprotocol.encode()),
        ]


def read_handshake(request: Request, subprotocol: str) -> Handshake:
    """What the request says. Raises UpgradeRequired or InvalidParameter."""
    headers = request.headers
    if "websocket" not in _words(headers, "upgrade") or "upgrade" not in _words(
        headers, "connection"
    ):
        raise UpgradeRequired("this path is a WebSocket: ask for it by the header Upgrade")
    if request.method != "GET" or request.scope["http_version"] != "1.1":
        raise UpgradeRequired("a WebSocket is asked for by a GET of HTTP/1.1")
    if headers.getlist("sec-websocket-version") != [WEBSOCKET_VERSION]:
        raise UpgradeRequired(f"Sec-WebSocket-Version must be {WEBSOCKET_VERSION}")
    if headers.get("content-length", "") not in _NO_BODY or "transfer-encoding" in headers:
        raise InvalidParameter("a request for a WebSocket has no body")
    offered = _words(headers, "sec-websocket-protocol", lower=False)
    if subprotocol not in offered:
        raise InvalidParameter(f"Sec-WebSocket-Protocol must offer {subprotocol}")
    return Handshake(_key(headers), subprotocol, _token(offered))


def refuse_origin(headers: Headers, allowed: Collection[str]) -> None:
    """Raise OriginNotAllowed for a page that comes neither from this server nor from one of
    ``allowed``. Browsers always say where a page is from; who is no browser need not."""
    sent = headers.getlist("origin")
    if not sent or "*" in allowed or (len(sent) == 1 and sent[0] in allowed):
        return
    if len(sent) > 1 or not _is_same_host(sent[0], headers.get("host", "")):
        raise OriginNotAllowed("pages of this origin may not talk to this server")


def _is_same_host(origin: str, host: str) -> bool:
    """Whether a page of that origin was got from that host, as far as this side of a proxy that
    speaks TLS can know."""
    try:
        page = urlsplit(origin)
        asked = urlsplit(f"{page.scheme}://{host}")
        default = _DEFAULT_PORTS[page.scheme]
        return (page.hostname, page.port or default) == (asked.hostname, asked.port or default)
    except (ValueError, KeyError):
        return False


def _words(headers: Headers, name: str, *, lower: bool = True) -> list[str]:
    words = [word.strip() for word in ",".join(headers.getlist(name)).split(",")]
    return [word.lower() for word in words] if lower else words


def _key(headers: Headers) -> str:
    sent = headers.getlist("sec-websocket-key")
    try:
        if len(sent) == 1 and len(b64decode(sent[0], validate=True)) == _KEY_BYTES:
            return sent[0]
    except (binascii.Error, ValueError):
        pass
    raise InvalidParameter(f"Sec-WebSocket-Key must be {_KEY_BYTES} bytes as Base64, once")


def _token(offered: Iterable[str]) -> str:
    tokens = [word for word in offered if word.startswith(TOKEN_PREFIX)]
    if len(tokens) > 1:
        raise InvalidParameter("Sec-WebSocket-Protocol holds more than one token")
    return tokens[0].removeprefix(TOKEN_PREFIX) if tokens else ""
