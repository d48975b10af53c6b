"""An HTTP server on this machine that hands out bytes, resumes, and fails as it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar


@dataclass
class FileServer:
    """``failures``: statuses answered first, one per request. ``cut_after``: bytes after which the
    next answers break off, one per request. ``requests``: path and Range header of each."""

    files: dict[str, bytes]
    url: str = ""
    failures: list[int] = field(default_factory=list)
    cut_after: list[int] = field(default_factory=list)
    resumes: bool = True
    delay_s: float = 0.0
    requests: list[tuple[str, str | None]] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[FileServer]:
        handler = type("Handler", (_Handler,), {"served": self})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class _Handler(BaseHTTPRequestHandler):
    served: ClassVar[FileServer]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        served = self.served
        wanted_range = self.headers.get("Range")
        served.requests.append((self.path, wanted_range))
        time.sleep(served.delay_s)
        content = served.files.get(self.path.lstrip("/"))
        if served.failures:
            self._answer(served.failures.pop(0), b"")
        elif content is None:
            self._answer(404, b"")
        elif wanted_range and served.resumes:
            first, _, last = wanted_range.removeprefix("bytes=").partition("-")
            self._answer(206, content[int(first) : int(last) + 1 if last else None])
        else:
            self._answer(200, content)

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        cuts = self.served.cut_after
        self.wfile.write(content[: cuts.pop(0)] if cuts and content else content)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""
