"""An HTTP server on this machine that hands out bytes, resumes, and fails as it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar


@dataclass
class FileServer:
    """``failures``: statuses answered first, one per request. ``cut_after``: bytes after which the
    next answers break off, one per request. ``resumes``: gives parts of files; ``range_shift``:
    and says that they begin so many bytes later. ``redirects``: where a path is sent on to.
    ``endless``: paths whose answer ends only when nobody listens. ``kinds``: content types by path.
    ``requests``: path and Range header of each. ``sent_bytes``: of all bodies."""

    files: dict[str, bytes]
    url: str = ""
    failures: list[int] = field(default_factory=list)
    cut_after: list[int] = field(default_factory=list)
    resumes: bool = True
    range_shift: int = 0
    redirects: dict[str, str] = field(default_factory=dict)
    endless: set[str] = field(default_factory=set)
    kinds: dict[str, str] = field(default_factory=dict)
    sent_bytes: int = 0
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
        elif self.path in served.redirects:
            self._answer(302, b"", Location=served.redirects[self.path])
        elif self.path in served.endless:
            self._go_on(206 if wanted_range and served.resumes else 200)
        elif content is None:
            self._answer(404, b"")
        elif wanted_range and served.resumes:
            first, _, last = wanted_range.removeprefix("bytes=").partition("-")
            part = content[int(first) : int(last) + 1 if last else None]
            shift = served.range_shift
            stated = f"bytes {int(first) + shift}-{int(first) + shift + len(part) - 1}"
            self._answer(206, part, Content_Range=f"{stated}/{len(content)}")
        else:
            kind = served.kinds.get(self.path, "application/octet-stream")
            self._answer(200, content, Content_Type=kind)

    def _go_on(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", self.served.kinds.get(self.path, "text/plain"))
        self.send_header("Content-Range", "bytes 0-65535/65536")
        self.end_headers()
        self.close_connection = True
        with suppress(OSError):
            while self.served.sent_bytes < 1 << 30:
                self.served.sent_bytes += self.wfile.write(bytes(1 << 16))

    def _answer(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        cuts = self.served.cut_after
        self.served.sent_bytes += len(content)
        with suppress(OSError):  # the other side may have heard enough
            self.wfile.write(content[: cuts.pop(0)] if cuts and content else content)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""
