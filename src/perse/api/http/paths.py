"""Paths mean what they say: nothing in them is overlooked."""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from perse.errors import InvalidParameter, NotFound

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class PlainPaths:
    """ASGI middleware around the router, whose patterns overlook a line feed at the end.

    An encoded slash parts nothing (RFC 3986, 2.2): a proxy that guards a path would not know
    the path again.
    """

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if _CONTROL.search(scope["path"]):
                raise InvalidParameter("the path holds control characters: leave them out")
            if b"%2f" in scope.get("raw_path", b"").lower():
                raise NotFound("there is nothing at a path with an encoded slash")
        await self.app(scope, receive, send)
