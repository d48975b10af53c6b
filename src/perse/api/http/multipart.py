"""Multipart bodies by field name, parsed as they arrive, within limits (RFC 7578).

A part is a file because of its name, never because of a ``filename``: clients leave that out, and
form parsers that look for it turn pictures into text. Files stay in memory up to their limit and
never touch the disk.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from perse.errors import ContentTypeHeaderMissing, FileTooLarge, InvalidParameter

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_PARTS = 32
LONGEST_PREAMBLE = 4096
_LARGE_PIECE_BYTES = 4096
_PLAIN_ENCODINGS = {"", "7bit", "8bit", "binary"}


@dataclass(frozen=True, slots=True)
class PartLimits:
    """Largest size in bytes of each file, of each text, and of the whole body.

    A field that is neither is skipped; it counts towards the body.
    """

    files: Mapping[str, int]
    texts: Mapping[str, int]
    body: int


def boundary_of(content_type: str | None) -> bytes:
    """The boundary of a multipart Content-Type header. Raises ContentTypeHeaderMissing."""
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        raise ContentTypeHeaderMissing(
            "send the fields as multipart/form-data, with that Content-Type header"
        )
    boundary = options.get(b"boundary", b"")
    if not 1 <= len(boundary) <= 70:
        raise ContentTypeHeaderMissing(
            "the Content-Type header names no boundary of 1 to 70 characters: let your HTTP "
            "library write this header"
        )
    return boundary


class MultipartBody:
    """Feed it the body, then ask for the values. Values of unknown fields are not kept."""

    def __init__(self, boundary: bytes, limits: PartLimits) -> None:
        self._limits = limits
        self._seen = 0
        self._preamble = _Preamble(boundary)
        self._parts = _Parts(limits)
        self._parser = MultipartParser(boundary, self._parts.callbacks())

    def feed(self, chunk: bytes) -> None:
        """Raises FileTooLarge or InvalidParameter as soon as that is certain."""
        self._seen += len(chunk)
        if self._seen > self._limits.body:
            raise FileTooLarge(f"the request is larger than {self._limits.body} bytes")
        try:
            self._parser.write(self._preamble.removed_from(chunk))
        except FormParserError:
            raise InvalidParameter(
                "the body is not what its Content-Type header says: no valid multipart/form-data"
            ) from None

    def finish(self) -> Mapping[str, bytes]:
        """Every known field that was sent. Raises InvalidParameter for half a body."""
        if self._seen and not self._parts.ended:
            raise InvalidParameter("the multipart body ends before its closing boundary")
        return self._parts.values


class _Preamble:
    """Text before the first boundary, and blanks after it: legal (RFC 2046 §5.1.1) and skipped.

    The parser knows neither; blanks after later boundaries and text after the last it does know.
    """

    def __init__(self, boundary: bytes) -> None:
        self._first = re.compile(rb"(?:\A|\r\n)(--%s)(?:[ \t]*(\r\n)|(--))" % re.escape(boundary))
        self._held = b""
        self._passed = False

    def removed_from(self, chunk: bytes) -> bytes:
        """What of the body is the form's. Raises InvalidParameter when it does not begin."""
        if self._passed:
            return chunk
        held = self._held + chunk  # the chunk itself where nothing is held yet
        if found := self._first.search(held):
            self._passed, self._held = True, b""
            first = b"".join(filter(None, found.groups()))
            # Nearly every body begins as it should, and is not copied.
            return held if found.end() == len(first) else first + held[found.end() :]
        self._held = held
        if len(held) > LONGEST_PREAMBLE:
            raise InvalidParameter(
                "the boundary that the Content-Type header names is not where the body begins: "
                "let your HTTP library write this header"
            )
        return b""


class _Pieces:
    """A value on its way. Large pieces of a body stay where they are until all are joined: what
    grows by little is moved again and again."""

    def __init__(self) -> None:
        self.size = 0
        self._last = bytearray()
        self._pieces: list[memoryview | bytearray] = [self._last]

    def add(self, piece: memoryview) -> None:
        self.size += len(piece)
        if len(piece) < _LARGE_PIECE_BYTES:
            self._last += piece
        else:
            self._last = bytearray()
            self._pieces += (piece, self._last)

    def joined(self) -> bytes:
        return b"".join(self._pieces)


class _Parts:
    """The parser's callbacks and what they have read.

    It does not know the parser, so that both are gone, with what they hold, when the body is done.
    """

    def __init__(self, limits: PartLimits) -> None:
        self.values: dict[str, bytes] = {}
        self.ended = False
        self._limits = limits
        self._count = 0
        self._begin()

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._open,
            "on_part_data": self._data,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._headers: dict[str, str] = {}
        self._name_read = bytearray()
        self._value_read = bytearray()
        self._value: _Pieces | None = None
        self._field = ""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name_read += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value_read += data[start:end]

    def _end_header(self) -> None:
        name = self._name_read.decode("latin-1").lower()
        self._headers[name] = self._value_read.decode("latin-1")
        self._name_read, self._value_read = bytearray(), bytearray()

    def _open(self) -> None:
        self._count += 1
        if self._count > MAX_PARTS:
            raise InvalidParameter(f"the form has more than {MAX_PARTS} fields")
        self._field = _field_name(self._headers)
        encoding = self._headers.get("content-transfer-encoding", "").strip().lower()
        if encoding not in _PLAIN_ENCODINGS:
            raise InvalidParameter(
                f"the field {self._field} is {encoding} encoded: send its bytes as they are"
            )
        if self._field in self.values:
            raise InvalidParameter(f"the field {self._field} was sent more than once")
        if self._field in self._limits.files or self._field in self._limits.texts:
            self._value, self.values[self._field] = _Pieces(), b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._value is None:
            return
        self._refuse_excess(self._value.size + end - start)
        self._value.add(memoryview(data)[start:end])

    def _refuse_excess(self, size: int) -> None:
        files, texts = self._limits.files, self._limits.texts
        if size > files.get(self._field, size):
            raise FileTooLarge(
                f"{self._field} is larger than {files[self._field]} bytes: send a smaller file"
            )
        if size > texts.get(self._field, size):
            raise InvalidParameter(f"{self._field} is longer than {texts[self._field]} bytes")

    def _end_part(self) -> None:
        if self._value is not None:
            self.values[self._field] = self._value.joined()
            self._value = None

    def _end(self) -> None:
        self.ended = True


def _field_name(headers: Mapping[str, str]) -> str:
    kind, options = parse_options_header(headers.get("content-disposition"))
    name = options.get(b"name", b"").decode("utf-8", errors="replace")
    if kind != b"form-data" or not name:
        raise InvalidParameter("a part of the form has no Content-Disposition with a field name")
    return name
