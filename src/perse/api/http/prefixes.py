"""Under which path a proxy shows perse; links that leave in answers begin with it."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from perse.api.http.proxies import is_trusted
from perse.domain.path_prefix import path_prefix
from perse.settings.http import Network

PREFIX_HEADER = "X-Forwarded-Prefix"


@dataclass(frozen=True, slots=True)
class KnowPrefix:
    """ASGI middleware: sets ``root_path``, from a trusted proxy's header or else ``own``.

    The router takes it off where a proxy has left it on, so both kinds of proxy are served.
    """

    app: ASGIApp
    own: str
    proxies: tuple[Network, ...]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["root_path"] = (self.proxies and self._told(scope)) or self.own
        await self.app(scope, receive, send)

    def _told(self, scope: Scope) -> str | None:
        """What the proxies took off, the outermost first; None unless all of it is harmless."""
        peer, _ = scope.get("client") or (None, None)
        if not is_trusted(peer, self.proxies):
            return None
        sent = ",".join(Headers(scope=scope).getlist(PREFIX_HEADER)).split(",")
        named = [path_prefix(part.strip(" \t")) for part in sent]
        harmless = [prefix for prefix in named if prefix is not None]
        return path_prefix("".join(harmless)) if len(harmless) == len(named) else None


def prefix_of(scope: Scope) -> str:
    """The prefix of a request that passed ``KnowPrefix``; empty at the root."""
    prefix: str = scope["root_path"]
    return prefix
