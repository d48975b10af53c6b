"""What every successful answer has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat
from starlette.responses import Response
from starlette.types import Receive, Scope, Send


class Answer(BaseModel):
    """A JSON answer. A field that is None is left out: the wire knows no null."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        json_schema_serialization_defaults_required=True,
    )

    def to_json(self) -> bytes:
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()


class JsonInPieces(Response):
    """A JSON answer that is sent piece by piece, as fast as its reader takes them: whatever its
    length, no more than a piece of it waits in memory for this one reader."""

    def __init__(
        self, pieces: Iterable[bytes], *, size_bytes: int, turn: Callable[[], Awaitable[None]]
    ) -> None:
        """``size_bytes``: of all pieces together. ``turn`` returns when the next may be sent."""
        super().__init__(media_type="application/json")
        self.headers["content-length"] = str(size_bytes)
        self._pieces = pieces
        self._turn = turn

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        for number, piece in enumerate(self._pieces):
            if number:
                await self._turn()
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


class Success(Answer):
    """An answer of ``/v0``."""

    time_taken: FiniteFloat = Field(ge=0, description="Seconds that the server took.")
    status: int = Field(200, ge=200, le=200, description="The HTTP status.")
