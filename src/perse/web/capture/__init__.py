"""The capture page, and the component that other pages embed."""

from __future__ import annotations

from pathlib import Path

from starlette.types import ASGIApp

from perse.web.pages import folder_endpoints, policy

PAGE = "/capture"


def capture_endpoints() -> dict[str, ASGIApp]:
    """Path -> endpoint for GET: the page and its files, among them ``perse-capture.js``.

    Pages of other origins may load that one where the server's CORS settings let them.
    """
    return folder_endpoints(Path(__file__).parent, page=PAGE, files=PAGE, headers=policy())
