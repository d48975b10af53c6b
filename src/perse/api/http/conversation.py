"""A conversation with one client: messages both ways, each within limits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from starlette.requests import Request

from perse.api.admission.budget import Holding
from perse.api.admission.door import Load
from perse.api.admission.restraint import BYTE_S
from perse.api.admission.tempo import Tempo
from perse.api.http.calls import Workplace, json_object_of
from perse.api.http.lines import CloseCode, Line, Piece
from perse.api.http.problems import internal_problem, problem_of
from perse.api.telemetry.exchange import exchange_of
from perse.domain.access import TenantId
from perse.errors import FileTooLarge, InvalidParameter, PerseError, TryLater
from perse.pipelines.ports import Result

# What a frame costs the event loop, as ``restraint`` counts.
_FRAME_S = 0.0002
# A message may come in several frames, and pings between them.
_FRAMES_A_MESSAGE = 16


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """What one conversation may take.

    ``largest_bytes`` and ``largest_text_bytes``: of a message of bytes, of JSON. What comes faster
    than ``messages_per_s`` waits. ``silence_s``: within which the next message must have come
    whole, once it is waited for. ``longest_s``: for all of it. ``in_all``, ``per_party``: how many
    there may be at a time, in each process.
    """

    largest_bytes: int = 1_000_000
    largest_text_bytes: int = 4096
    messages_per_s: float = 10.0
    silence_s: float = 30.0
    longest_s: float = 300.0
    in_all: int = 100
    per_party: int = 50


class MessageRefused(InvalidParameter):
    """Not a message as this conversation expects them; it ends."""

    def __init__(self, message: str, close_code: CloseCode) -> None:
        super().__init__(message)
        self.close_code = close_code


def close_code_of(error: PerseError) -> CloseCode:
    """How a conversation ends that ends with an error."""
    match error:
        case MessageRefused():
            return error.close_code
        case FileTooLarge():
            return CloseCode.TOO_LARGE
        case TryLater():
            return CloseCode.TRY_LATER
    return CloseCode.POLICY


@dataclass(frozen=True, slots=True)
class Conversation:
    """``party``: whose it is, by which it takes its turns. A PerseError that leaves whoever talks
    is sent to the client, as a message, and ends the conversation."""

    workplace: Workplace
    request: Request
    party: str
    limits: SocketLimits
    line: Line
    held: Holding
    _messages: Tempo = field(init=False)
    _frames: Tempo = field(init=False)

    def __post_init__(self) -> None:
        per_s = self.limits.messages_per_s
        object.__setattr__(self, "_messages", Tempo(per_s))
        object.__setattr__(self, "_frames", Tempo(per_s * _FRAMES_A_MESSAGE))

    async def receive(self) -> bytes | Mapping[str, object]:
        """The next message: bytes, or a JSON object where it is text. It counts as held until the
        next is asked for. Raises LineClosed, and PerseError for what is not to be accepted."""
        content, is_text = await self._message()
        return _json_object(content) if is_text else content

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Send a message; waits while the client does not take those before. Raises LineClosed."""
        self._carried(await self.line.send(json.dumps(message)), incoming=False)

    def close(self, code: int = CloseCode.DONE, reason: str = "") -> None:
        """End it; once more does nothing. What is asked of it from now on raises LineClosed."""
        self.line.close(code, reason)

    def fail(self, error: PerseError | None) -> None:
        """End it with an error; None: with a fault of ours."""
        exchange = exchange_of(self.request.scope)
        exchange.code = error.code if error else PerseError.code
        problem = problem_of(error) if error else internal_problem(exchange.request_id)
        code = close_code_of(error) if error else CloseCode.FAULT
        self.line.close(code, str(problem["code"]), last_words=json.dumps(problem))

    async def compute(self, work: Callable[[], Result], *, load: Load) -> Result:
        """Do blocking work behind the door, when it is the party's turn. Raises Overloaded."""
        return await self.workplace.compute.run(self.party, work, load=load)

    async def look_up(self, work: Callable[[], Result]) -> Result:
        """Do short blocking work for the party, such as a question to the database."""
        return await self.workplace.lookups.run(self.party, work)

    async def pause(self, time_s: float) -> None:
        """Wait before something is tried again."""
        await asyncio.sleep(time_s)

    async def _message(self) -> tuple[bytes, bool]:
        self.held.let_go()
        await self._messages.keep()
        try:
            async with asyncio.timeout(self.limits.silence_s):
                return await self._whole()
        except TimeoutError:
            raise MessageRefused(
                f"no whole message came within {self.limits.silence_s:g} seconds", CloseCode.POLICY
            ) from None

    async def _whole(self) -> tuple[bytes, bool]:
        content = bytearray()
        while True:
            piece = await self.line.piece()
            largest = self._largest(piece)
            if len(content) + len(piece.data) > largest:
                raise FileTooLarge(f"a message of this kind may have {largest} bytes")
            content += piece.data
            self.held.grow_to(len(content))
            await self._take_turn(piece)
            if piece.ends_message:
                self.workplace.services.quotas.spend_bytes(TenantId(self.party), len(content))
                return bytes(content), piece.is_text

    def _largest(self, piece: Piece) -> int:
        return self.limits.largest_text_bytes if piece.is_text else self.limits.largest_bytes

    async def _take_turn(self, piece: Piece) -> None:
        self._carried(len(piece.data), incoming=True)
        workplace = self.workplace
        workplace.restraint.see(self.party)
        await workplace.restraint.pay(self.party, _FRAME_S + len(piece.data) * BYTE_S)
        await workplace.turnstile.passes(self.party)
        if piece.ends_frame:
            await self._frames.keep()

    def _carried(self, size: int, *, incoming: bool) -> None:
        exchange = exchange_of(self.request.scope)
        exchange.paid_s += size * BYTE_S
        if incoming:
            exchange.bytes_in += size
        else:
            exchange.bytes_out += size
            self.workplace.restraint.owe(self.party, size * BYTE_S)


def _json_object(content: bytes) -> Mapping[str, object]:
    try:
        return json_object_of(content, "the message")
    except InvalidParameter as error:
        raise MessageRefused(error.message, CloseCode.MALFORMED) from None
