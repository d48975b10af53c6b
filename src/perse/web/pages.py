"""Files for a browser: what is listed at the start is served, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from html import escape
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

CONTENT_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".webp": "image/webp",
}
PAGE_FILE = "index.html"
_NOT_MODIFIED = 304


def policy(*, trusted_types: str = "'none'") -> Mapping[str, str]:
    """Headers of a page that runs its own scripts only and sends nothing elsewhere.

    ``trusted_types`` names the policies that its scripts may create.
    """
    directives = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "require-trusted-types-for 'script'",
        f"trusted-types {trusted_types}",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    return {
        "Content-Security-Policy": "; ".join(directives),
        "Permissions-Policy": "camera=(self), microphone=(self), geolocation=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


@dataclass(frozen=True)
class Page:
    """An HTML page; ``{root}`` in it becomes the path under which a proxy shows this server."""

    path: Path
    headers: Mapping[str, str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        root = escape(scope["root_path"], quote=True)
        html = self._text.replace("{root}", root)
        # It depends on the path that a proxy names, so no cache may show it to others.
        headers = {**self.headers, "Cache-Control": "no-store"}
        await Response(html, headers=headers, media_type="text/html")(scope, receive, send)

    @cached_property
    def _text(self) -> str:
        return self.path.read_text("utf-8")


@dataclass(frozen=True)
class StaticFile:
    """A file that browsers keep, and ask about before each use whether it is still the same."""

    path: Path
    headers: Mapping[str, str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {**self.headers, "Cache-Control": "no-cache", "ETag": self._tag}
        known = Headers(scope=scope).get("if-none-match", "")
        if self._tag in (tag.strip().removeprefix("W/") for tag in known.split(",")):
            response = Response(status_code=_NOT_MODIFIED, headers=headers)
        else:
            media_type = CONTENT_TYPES[self.path.suffix]
            # In pieces: who asks a hundred times and never reads has no hundred copies made.
            response = FileResponse(self.path, headers=headers, media_type=media_type)
        await response(scope, receive, send)

    @cached_property
    def _tag(self) -> str:
        return f'"{blake2b(self.path.read_bytes(), digest_size=12).hexdigest()}"'


def folder_endpoints(
    folder: Path, page: str, files: str, headers: Mapping[str, str]
) -> dict[str, ASGIApp]:
    """Path -> endpoint for GET: ``index.html`` at ``page``, the others below ``files``.

    Folders inside count; a file whose content type is not known here is not served.
    """
    endpoints: dict[str, ASGIApp] = {page: Page(folder / PAGE_FILE, headers)}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix in CONTENT_TYPES and name != PAGE_FILE:
            endpoints[f"{files}/{name}"] = StaticFile(path, headers)
    return endpoints
