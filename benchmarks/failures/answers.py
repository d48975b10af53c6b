"""What was asked of the servers, and how each answer was."""

from __future__ import annotations

import json
import select
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any

BOUNDARY = "perse-failures"
_PATIENCE_S = 120.0
_EXPECTED = frozenset({200, 404, 422})


@dataclass(frozen=True)
class Answer:
    """``status`` 0: the connection ended without one. ``began_s`` on the monotonic clock."""

    operation: str
    began_s: float
    took_s: float
    status: int
    retry_after: str | None = None
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def ended_s(self) -> float:
        return self.began_s + self.took_s

    @property
    def good(self) -> bool:
        return self.status in _EXPECTED

    @property
    def proper(self) -> bool:
        """Good, or a 503 as every error is told."""
        told = self.body.get("status") == 503 and {"code", "message"} <= set(self.body)
        return self.good or (self.status == 503 and self.retry_after is not None and told)


@dataclass
class Record:
    """All answers; safe to share between threads."""

    answers: list[Answer] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, answer: Answer) -> None:
        with self._lock:
            self.answers.append(answer)

    def between(self, began_s: float, ended_s: float) -> Sequence[Answer]:
        """Of requests that were under way then."""
        with self._lock:
            known = list(self.answers)
        return [it for it in known if it.ended_s >= began_s and it.began_s <= ended_s]


def statuses(answers: Sequence[Answer]) -> str:
    """``503: 12``, by status, but for the good ones."""
    counted = Counter(it.status for it in answers if not it.good)
    return ", ".join(f"{status or 'none'}: {n}" for status, n in sorted(counted.items()))


class Caller:
    """One client of the proxy with a connection of its own."""

    def __init__(self, port: int, headers: Mapping[str, str], record: Record) -> None:
        self._port, self._headers, self._record = port, dict(headers), record
        self._connection = self._fresh()

    def _fresh(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self._port, timeout=_PATIENCE_S)

    def close(self) -> None:
        self._connection.close()

    def _leave_what_was_closed(self) -> None:
        """As clients do that keep connections: nothing comes of one that rests but its end."""
        sock = self._connection.sock
        if sock is not None and select.select([sock], [], [], 0)[0]:
            self._connection.close()

    def get(self, operation: str, path: str) -> Answer:
        return self._ask(operation, "GET", path, None, {})

    def delete(self, operation: str, path: str) -> Answer:
        return self._ask(operation, "DELETE", path, None, {})

    def post(
        self, operation: str, path: str, form: Mapping[str, str | bytes], *, key: str = ""
    ) -> Answer:
        content = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
        named = {"idempotency-key": key} if key else {}
        return self._ask(operation, "POST", path, multipart(form), content | named)

    def post_json(
        self, operation: str, path: str, document: Mapping[str, Any], *, key: str
    ) -> Answer:
        headers = {"content-type": "application/json", "idempotency-key": key}
        return self._ask(operation, "POST", path, json.dumps(document).encode(), headers)

    def _ask(
        self, operation: str, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        began_s = time.monotonic()
        try:
            self._leave_what_was_closed()
            self._connection.request(method, path, body, {**self._headers, **headers})
            reply = self._connection.getresponse()
            content = reply.read()
            status, retry = reply.status, reply.getheader("Retry-After")
        except (OSError, HTTPException) as lost:
            content, status, retry = json.dumps({"code": repr(lost)}).encode(), 0, None
            self._connection.close()
            self._connection = self._fresh()
        took_s = time.monotonic() - began_s
        answer = Answer(operation, began_s, took_s, status, retry, _document(content))
        self._record.add(answer)
        return answer


def _document(content: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(content)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def multipart(form: Mapping[str, str | bytes]) -> bytes:
    parts = b""
    for name, value in form.items():
        file = '; filename="it"' if isinstance(value, bytes) else ""
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
        parts += head.encode() + (value if isinstance(value, bytes) else value.encode()) + b"\r\n"
    return parts + f"--{BOUNDARY}--\r\n".encode()
