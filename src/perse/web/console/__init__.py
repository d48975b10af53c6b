"""The console: what this server knows and can do, for somebody who would rather look than read."""

from __future__ import annotations

from pathlib import Path

from starlette.types import ASGIApp

from perse.web.pages import folder_endpoints, policy


def console_endpoints() -> dict[str, ASGIApp]:
    """Path -> endpoint for GET: the page and the files that it loads."""
    return folder_endpoints(Path(__file__).parent, "/", "/console", policy())
