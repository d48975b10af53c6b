"""Swagger UI, served from this installation: no page of ours asks another server for anything."""

from __future__ import annotations

from pathlib import Path

from starlette.types import ASGIApp
from swagger_ui_bundle import swagger_ui_path

from perse.web.pages import PAGE_FILE, Page, StaticFile

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
}


def swagger_endpoints() -> dict[str, ASGIApp]:
    """Path -> endpoint for GET: the page and the few files that it loads."""
    files = {f"{PAGE}/{name}": StaticFile(path, _HEADERS) for name, path in _FILES.items()}
    return {PAGE: Page(_HERE / PAGE_FILE, _HEADERS), **files}
