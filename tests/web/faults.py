"""What a page must not do, watched from the first byte to the last."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Response

_OWN_HOSTS = {"127.0.0.1", "localhost", "::1"}
# A page may stop listening to an answer, as when its user goes on to the next screen.
_GIVEN_UP = "net::ERR_ABORTED"
_WITHOUT_HOST = {"blob", "data", "about"}


@dataclass
class Faults:
    """Errors on the console (broken content security policies are told there), uncaught
    exceptions, requests that fail or are answered with an error, and requests to others.
    """

    found: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    _expected: list[re.Pattern[str]] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.found.append(f"uncaught: {error.error}"))
        context.on("request", self._see)
        context.on("requestfailed", self._see_failing)
        context.on("response", self._see_answered)

    def expect(self, pattern: str) -> None:
        """This test provokes a fault: what matches the regular expression is none."""
        self._expected.append(re.compile(pattern))

    def unexpected(self) -> list[str]:
        return [
            fault
            for fault in self.found
            if not any(pattern.search(fault) for pattern in self._expected)
        ]

    def uploads(self) -> list[Request]:
        """Requests that sent something."""
        return [request for request in self.requests if request.method not in ("GET", "HEAD")]

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.found.append(f"console: {message.text} ({message.location['url']})")

    def _see(self, request: Request) -> None:
        self.requests.append(request)
        address = urlsplit(request.url)
        if address.scheme not in _WITHOUT_HOST and address.hostname not in _OWN_HOSTS:
            self.found.append(f"asks another host: {request.url}")

    def _see_failing(self, request: Request) -> None:
        if request.failure == _GIVEN_UP:
            return
        self.found.append(f"failed: {request.method} {request.url} ({request.failure})")

    def _see_answered(self, response: Response) -> None:
        if response.status >= 400:
            request = response.request
            self.found.append(f"answered {response.status}: {request.method} {request.url}")
