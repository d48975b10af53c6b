"""HTTP/1.1 read as strictly as the strictest proxy reads it.

Where two programs on the way of a request disagree where it ends, one of them takes a piece of
its body for another request. So whatever RFC 9112 lets a recipient mend is refused here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import h11
from h11._receivebuffer import ReceiveBuffer

LARGEST_HEAD_BYTES = 64 * 1024
# What every answer begins with.
ANSWER_BEGINS = b"HTTP/1.1 "

# Control characters, line ends that are not CRLF, and lines that go on in the next (obs-fold).
_UNCLEAR = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|(?<!\r)\n|\r(?!\n|\Z)|\r\n[ \t]")
_ORIGIN = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)
_LENGTH_FIELDS = (b"content-length:", b"transfer-encoding:")


class StrictConnection(h11.Connection):
    """A server's end. ``next_event`` raises RemoteProtocolError for whatever is not plain."""

    def __init__(self) -> None:
        super().__init__(h11.SERVER, LARGEST_HEAD_BYTES)
        self._receive_buffer: _StrictLines = _StrictLines()
        self.begun_bytes = 0

    @property
    def head_begun(self) -> bool:
        """True while a request's head has arrived in part."""
        return self.their_state is h11.IDLE and bool(self._receive_buffer)

    def begin_answer(self) -> bytes:
        """The next byte of what may be sent before it is known what the answer is; then nothing."""
        byte = ANSWER_BEGINS[self.begun_bytes : self.begun_bytes + 1]
        self.begun_bytes += len(byte)
        return byte

    def rest_of(self, answer: bytes) -> bytes:
        """What is still to be sent of an answer, once."""
        begun, self.begun_bytes = self.begun_bytes, 0
        return answer[begun:]

    def send(self, event: h11.Event) -> bytes | None:  # type: ignore[override]
        data: bytes | None = super().send(event)
        return self.rest_of(data) if data and isinstance(event, h11.Response) else data

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        if self.their_state is h11.IDLE:
            self._receive_buffer.skip_blank_lines()
        event = super().next_event()
        return _plain(event) if isinstance(event, h11.Request) else event


class _StrictLines(ReceiveBuffer):
    """h11's buffer: its lines end in CRLF, each is one field, and one field says the length."""

    def skip_blank_lines(self) -> None:
        """Before a request line they are to be ignored (RFC 9112, 2.2)."""
        while self._data.startswith(b"\r\n"):
            self._extract(2)

    def is_next_line_obviously_invalid_request_line(self) -> bool:
        begins_blank_line = self._data == b"\r"
        return not begins_blank_line and super().is_next_line_obviously_invalid_request_line()

    def maybe_extract_lines(self) -> list[bytearray] | None:
        if self._data.startswith(b"\r\n"):  # a trailer without fields
            self._extract(2)
            return []
        looked_at = max(0, self._multiple_lines_search - 3)
        end = self._data.find(b"\r\n\r\n", looked_at)
        size = len(self._data) if end < 0 else end
        if size > LARGEST_HEAD_BYTES:
            raise h11.LocalProtocolError(
                f"a head or trailer is larger than {LARGEST_HEAD_BYTES} bytes"
            )
        _refuse_unclear(self._data, looked_at, size)
        if end < 0:
            self._multiple_lines_search = size
            return None
        lines = self._extract(end + 4)[:-4].split(b"\r\n")
        _refuse_two_lengths(lines)
        return lines

    def maybe_extract_next_line(self) -> bytearray | None:
        line = super().maybe_extract_next_line()
        begun = self._data if line is None else line
        _refuse_unclear(begun, 0, len(begun))
        return line

    def maybe_extract_at_most(self, count: int) -> bytearray | None:
        if len(self._data) > count:
            return self._extract(count)
        piece, self._data = self._data, bytearray()  # h11 would copy every piece of a body twice
        return piece or None


def _refuse_unclear(data: bytearray, start: int, end: int) -> None:
    if _UNCLEAR.search(data, start, end):
        raise h11.LocalProtocolError(
            "a line does not end in CRLF, is continued or holds control characters"
        )


def _refuse_two_lengths(lines: Iterable[bytearray]) -> None:
    lengths = [line for line in lines if line.lower().startswith(_LENGTH_FIELDS)]
    if len(lengths) > 1 or any(b"," in line for line in lengths):
        raise h11.LocalProtocolError("more than one field or coding says how long the body is")


def _plain(request: h11.Request) -> h11.Request:
    fields = dict(request.headers)
    expected = {value.lower() for name, value in request.headers if name == b"expect"}
    if request.http_version not in (b"1.0", b"1.1"):
        raise h11.RemoteProtocolError("its version is not HTTP/1.0 or HTTP/1.1")
    if request.http_version == b"1.0" and b"transfer-encoding" in fields:
        raise h11.RemoteProtocolError("HTTP/1.0 knows no Transfer-Encoding")
    if expected - {b"100-continue"}:
        raise h11.RemoteProtocolError("it expects something other than 100-continue")
    if request.method == b"CONNECT":
        raise h11.RemoteProtocolError("this is no proxy, so CONNECT leads nowhere")
    return _in_origin_form(request)


def _in_origin_form(request: h11.Request) -> h11.Request:
    origin = _ORIGIN.match(request.target)
    if origin is None:
        return request
    return h11.Request(
        method=request.method,
        headers=request.headers.raw_items(),
        target=request.target[origin.end() :] or b"/",
        http_version=request.http_version,
    )
