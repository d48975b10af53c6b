"""Clients of the tests' own socket: one that is not ours, and one by hand that may be hostile."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from tests.fakes.sockets import PATH, SUBPROTOCOL, TOKEN

PROTOCOLS = [Subprotocol(SUBPROTOCOL), Subprotocol(f"token.{TOKEN}")]
UPGRADE = {
    "Host": "perse.test",
    "Connection": "keep-alive, Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": f"{SUBPROTOCOL}, token.{TOKEN}",
}


def talking(
    url: str, *protocols: str, path: str = PATH, origin: str | None = None
) -> ClientConnection:
    """A conversation of a real client with the server at that address."""
    return connect(
        url.replace("http", "ws") + path,
        subprotocols=[Subprotocol(it) for it in protocols] or PROTOCOLS,
        origin=Origin(origin) if origin else None,
        compression=None,
        proxy=None,
    )


def say(talk: ClientConnection, **message: object) -> None:
    talk.send(json.dumps(message))


def closed_with(talk: ClientConnection) -> tuple[int, str, list[dict[str, object]]]:
    """Code and reason, and what was said before."""
    said = []
    with suppress(ConnectionClosed):
        for message in talk:
            said.append(json.loads(message))
    assert talk.close_code is not None
    return talk.close_code, talk.close_reason or "", said


def upgrade(path: str = PATH, method: str = "GET", version: str = "1.1", **changes: str) -> bytes:
    """A handshake by hand; an empty value leaves its header out."""
    changed = {name.replace("_", "-"): value for name, value in changes.items()}
    headers = [f"{name}: {value}" for name, value in {**UPGRADE, **changed}.items() if value]
    return "\r\n".join([f"{method} {path} HTTP/{version}", *headers, "", ""]).encode()


class Listening(Protocol):
    """A server, wherever it runs."""

    def connect(self) -> socket.socket: ...


@contextmanager
def by_hand(served: Listening, *first: bytes) -> Iterator[socket.socket]:
    """A conversation over a bare socket; ``first`` is sent with the request for it."""
    with served.connect() as connection:
        connection.sendall(upgrade() + b"".join(first))
        assert _head(connection).startswith(b"HTTP/1.1 101 ")
        yield connection


def _head(connection: socket.socket) -> bytes:
    """And not a byte more."""
    head = bytearray()
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        assert byte, head
        head += byte
    return bytes(head)


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
    """As a client sends it."""
    return Frame(Opcode(opcode), payload, fin).serialize(mask=True)


def text(message: object) -> bytes:
    return frame(Opcode.TEXT, json.dumps(message).encode())


def announced(size: int) -> bytes:
    """The head of a binary frame of so many bytes, masked by nothing."""
    return b"\x82\xff" + size.to_bytes(8, "big") + b"\0" * 4


def heard(connection: socket.socket) -> list[tuple[int, bytes]]:
    """Opcodes and payloads of all that the server sends until it ends; its goodbye is answered."""
    received, frames = bytearray(), list[tuple[int, bytes]]()
    with suppress(ConnectionError):
        while piece := connection.recv(65536):
            received += piece
            new = list(_whole(received))
            frames += new
            if any(opcode == Opcode.CLOSE for opcode, _ in new):
                connection.sendall(frame(Opcode.CLOSE, new[-1][1]))
    return frames


def _whole(received: bytearray) -> Iterator[tuple[int, bytes]]:
    """Takes out the frames that have come to their end."""
    while len(received) >= 2:
        size, start = received[1], 2
        if size == 126 and len(received) >= 4:
            size, start = int.from_bytes(received[2:4], "big"), 4
        if len(received) < start + size:
            return
        yield received[0] & 0x0F, bytes(received[start : start + size])
        del received[: start + size]


def close_code(connection: socket.socket) -> int:
    """With which the server ends."""
    opcode, payload = heard(connection)[-1]
    assert opcode == Opcode.CLOSE
    return int.from_bytes(payload[:2], "big")
