"""A line: what a connection is once it has stopped to be HTTP and carries messages both ways."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Protocol

from starlette.types import Scope

from perse.errors import Overloaded

# Where the server puts the line of a request that may be taken up (ASGI: a key of ``extensions``).
# The application takes it up by an answer with status 101, and lays down by the end of its body.
LINE: Final = "perse.line"


class CloseCode(IntEnum):
    """RFC 6455, 7.4.1, as far as the server says so."""

    DONE = 1000
    GOING_AWAY = 1001
    UNSUITABLE = 1003
    LOST = 1006
    MALFORMED = 1007
    POLICY = 1008
    TOO_LARGE = 1009
    FAULT = 1011
    TRY_LATER = 1013


class LineClosed(Exception):
    """Nothing comes or goes any more. ``code``: what the side that closed it said, or LOST."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the conversation has ended with {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Piece:
    """What has come next of a message; of a ping, which the line has answered, nothing."""

    data: bytes = b""
    is_text: bool = False
    ends_frame: bool = True
    ends_message: bool = False


class Line(Protocol):
    """Reads no further than it is asked to, and sends no faster than it is listened to."""

    @property
    def closed_with(self) -> int | None:
        """The code; None while it is open."""
        ...

    async def piece(self) -> Piece:
        """What comes next; text is UTF-8. Raises LineClosed."""
        ...

    async def send(self, text: str) -> int:
        """Send one message when there is room for it; its bytes. Raises LineClosed."""
        ...

    def close(self, code: int, reason: str = "", *, last_words: str | None = None) -> None:
        """Say why and hang up; before that, send a message without waiting for room. Whoever has
        been hung up on is not told anything any more."""
        ...


def line_of(scope: Scope) -> Line:
    """That of a request that wants to be taken up. Raises Overloaded where the end has begun."""
    line: Line | None = scope.get("extensions", {}).get(LINE)
    if line is None:
        raise Overloaded("this server is about to end: connect again")
    return line
