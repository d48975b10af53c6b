"""The fields of a form: what an operation expects and what a client sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum

from starlette.requests import Request

from perse.api.admission.budget import Holding
from perse.api.http.content_encoding import refuse_encoded
from perse.api.http.multipart import MultipartBody, PartLimits, boundary_of
from perse.errors import EmptyFile, FileTooLarge, FormKeyMissing, InvalidParameter

_LONGEST_TEXT = 4096
_ROOM_FOR_THE_REST = 64 * 1024


class FieldKind(Enum):
    """What a field holds."""

    PICTURE = "picture"
    RECORDING = "recording"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class FormField:
    """A field as an operation declares it; the form layer and the documentation obey it."""

    name: str
    kind: FieldKind
    description: str
    required: bool = True
    example: str | None = None


@dataclass(frozen=True, slots=True)
class FormLimits:
    """Bytes per file by kind, and the seconds that a body may take to arrive."""

    file_bytes: Mapping[FieldKind, int]
    upload_s: float

    @property
    def largest_body(self) -> int:
        """Of the operations that there are: two files of the larger kind."""
        return 2 * max(self.file_bytes.values()) + _ROOM_FOR_THE_REST

    def for_fields(self, fields: Sequence[FormField]) -> PartLimits:
        """The limits of an operation: all its files at their largest, and room for the rest."""
        texts = {field.name: _LONGEST_TEXT for field in fields if field.kind is FieldKind.TEXT}
        files = {
            field.name: self.file_bytes[field.kind]
            for field in fields
            if field.kind is not FieldKind.TEXT
        }
        return PartLimits(files, texts, body=sum(files.values()) + _ROOM_FOR_THE_REST)


@dataclass(frozen=True, slots=True)
class Form:
    """What was sent, by field name. repr does not show it."""

    values: Mapping[str, bytes]

    def has(self, name: str) -> bool:
        return name in self.values

    def file(self, name: str) -> bytes:
        """Raises FormKeyMissing or EmptyFile, naming the field."""
        if name not in self.values:
            raise FormKeyMissing(f"the file {name} is missing: send it as a part of that name")
        if not self.values[name]:
            raise EmptyFile(f"the file {name} is empty")
        return self.values[name]

    def text(self, name: str) -> str | None:
        """The trimmed text of a field, or None when it was not sent. Raises InvalidParameter."""
        if name not in self.values:
            return None
        try:
            return self.values[name].decode("utf-8").strip()
        except UnicodeDecodeError:
            raise InvalidParameter(f"the field {name} is not UTF-8 text") from None

    def required_text(self, name: str) -> str:
        """The text of a field, free of JSON quotes. Raises FormKeyMissing, InvalidParameter."""
        text = self.text(name)
        if text is None:
            raise FormKeyMissing(f"the field {name} is missing")
        return unquoted(text)

    def __repr__(self) -> str:
        return f"Form({', '.join(self.values)})"


def unquoted(text: str) -> str:
    """A text as it was meant when a client sends it as a JSON string literal, quotes included."""
    trimmed = text.strip()
    if len(trimmed) >= 2 and trimmed[0] == trimmed[-1] == '"':
        return trimmed[1:-1].strip()
    return trimmed


async def read_form(
    request: Request,
    fields: Sequence[FormField],
    limits: FormLimits,
    *,
    holding: Holding,
    turn: Callable[[], Awaitable[None]],
) -> Form:
    """Read the body as it arrives, and stop at the first certain fault.

    ``holding`` takes the announced length before a byte is read, and grows with what comes.
    ``turn`` returns when the next piece may be looked at.
    Raises ContentEncodingUnsupported, ContentTypeHeaderMissing, FileTooLarge, InvalidParameter,
    Overloaded; starlette's ClientDisconnect when the client goes away.
    """
    refuse_encoded(request.headers)
    part_limits = limits.for_fields(fields)
    body = MultipartBody(boundary_of(request.headers.get("content-type")), part_limits)
    holding.grow_to(_announced_bytes(request, part_limits))
    received = 0
    async with arriving_within(limits.upload_s):
        async for chunk in request.stream():
            received += len(chunk)
            holding.grow_to(received)
            await turn()
            body.feed(chunk)
    return Form(body.finish())


@asynccontextmanager
async def arriving_within(seconds: float) -> AsyncIterator[None]:
    """Give up on a body that takes longer. Raises InvalidParameter."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise InvalidParameter(f"the body did not arrive within {seconds:g} seconds") from None


def _announced_bytes(request: Request, limits: PartLimits) -> int:
    """0 where no length is announced. Raises FileTooLarge."""
    announced = request.headers.get("content-length", "")
    size = int(announced) if announced.isdecimal() else 0
    if size > limits.body:
        raise FileTooLarge(f"the request is larger than {limits.body} bytes: send a smaller file")
    return size
