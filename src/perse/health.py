"""``python -m perse.health``: exit status 0 when the server of this machine is ready.

For health checks of containers, which ask every few seconds: it loads nothing but the standard
library. It asks where ``PERSE_HOST`` and ``PERSE_PORT`` say, or the address that is given.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

_PATIENCE_S = 4.0
_EVERYWHERE: Mapping[str, str] = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104
_OK = 200


def address(environment: Mapping[str, str]) -> str:
    """Where a server with these variables answers its own machine."""
    host = environment.get("PERSE_HOST", "127.0.0.1")
    host = _EVERYWHERE.get(host, host)
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{environment.get('PERSE_PORT', '8080')}"


def is_ready(url: str, patience_s: float = _PATIENCE_S) -> bool:
    """Whether the server at ``url`` says so, in time."""
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=patience_s)
    try:
        connection.request("GET", f"{parts.path.rstrip('/')}/health/ready")
        return connection.getresponse().status == _OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def main(words: Sequence[str]) -> int:
    """The exit status."""
    url = words[0] if words else address(os.environ)
    if is_ready(url):
        return 0
    sys.stderr.write(f"perse: not ready at {url}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
