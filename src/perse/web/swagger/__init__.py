"""Swagger UI, served from this installation: no page of ours asks another server for anything."""

from __future__ import annotations

from html import escape
from pathlib import Path

from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from swagger_ui_bundle import swagger_ui_path

PAGE = "/swagger"
_HERE = Path(__file__).parent
_FILES = {
    "start.js": _HERE / "start.js",
    "swagger-ui.css": Path(swagger_ui_path) / "swagger-ui.css",
    "swagger-ui-bundle.js": Path(swagger_ui_path) / "swagger-ui-bundle.js",
    "favicon-32x32.png": Path(swagger_ui_path) / "favicon-32x32.png",
}
# Swagger UI draws with style attributes and with pictures inside its style sheet.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache",
}
# The page depends on the path that a proxy names, so no cache may show it to others.
_PAGE_HEADERS = {**_HEADERS, "Cache-Control": "no-store"}


def swagger_endpoints() -> dict[str, ASGIApp]:
    """Path -> endpoint for GET: the page and the few files that it loads."""
    files: dict[str, ASGIApp] = {f"{PAGE}/{name}": _sender(path) for name, path in _FILES.items()}
    return {PAGE: _page, **files}


async def _page(scope: Scope, receive: Receive, send: Send) -> None:
    root = escape(scope["root_path"], quote=True)
    html = (_HERE / "index.html").read_text("utf-8").replace("{root}", root)
    await HTMLResponse(html, headers=_PAGE_HEADERS)(scope, receive, send)


def _sender(path: Path) -> ASGIApp:
    async def send_file(scope: Scope, receive: Receive, send: Send) -> None:
        response: Response = FileResponse(path, headers=_HEADERS)
        await response(scope, receive, send)

    return send_file
