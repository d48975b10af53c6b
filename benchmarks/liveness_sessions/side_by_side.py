"""Liveness sessions side by side on one server: what is dropped, how long they take, who passes.

    python -m benchmarks.liveness_sessions.side_by_side --data-dir data --sessions 1 5 20 \
        --picture tests/samples/portraits/obama_2012.jpg

The server runs in a process of its own. Heads are drawn before, at each moment of every movement
from one prompt to the next, so that clients cost little but sending.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import struct
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from benchmarks.liveness_sessions.instruments import BONA_FIDE, INSTRUMENTS
from benchmarks.liveness_sessions.recordings import sitter_of
from benchmarks.liveness_sessions.running import seeded
from benchmarks.serving import prepared_key, served
from perse.domain.session_frames import GivenPrompt, Prompt

FRAMES_PER_S = 8
DRAWN_S = 2.5
_PATH = "/v1/liveness/sessions"
Drawn = Mapping[tuple[Prompt, Prompt], list[bytes]]


@dataclass
class Ran:
    """One session: seconds from its first prompt to the end, from the frame before the end to the
    end, and of each prompt to the next."""

    session_id: str
    took_s: float = 0.0
    last_s: float = 0.0
    prompts: list[float] = field(default_factory=list)
    sent: int = 0


def main() -> None:
    arguments = _arguments()
    os.environ["PERSE_DATA_DIR"] = str(arguments.data_dir)
    drawn = drawn_heads(arguments.picture, arguments.data_dir)
    environment = {**os.environ, "PERSE_DATA_DIR": str(arguments.data_dir)}
    key = prepared_key(environment)
    with served(environment) as server:
        for sessions in arguments.sessions:
            ran = asyncio.run(all_of(server.port, key, drawn, sessions))
            report(server.port, key, ran)


def drawn_heads(picture: Path, data_dir: Path) -> Drawn:
    """The way from each prompt to each other one."""
    sitter = sitter_of(picture, data_dir)
    film = INSTRUMENTS[BONA_FIDE](sitter, sitter, seeded("side by side"))
    moments = [index / FRAMES_PER_S for index in range(int(DRAWN_S * FRAMES_PER_S))]
    return {
        (before, after): [
            film.frame(100 + at_s, [GivenPrompt(before, 0.0), GivenPrompt(after, 100.0)])
            for at_s in moments
        ]
        for before, after in itertools.product(Prompt, Prompt)
        if before is not after or before is Prompt.LOOK_AHEAD
    }


async def all_of(port: int, key: str, drawn: Drawn, sessions: int) -> list[Ran]:
    opened = [ask(port, key, "POST", _PATH, {}) for _ in range(sessions)]
    return await asyncio.gather(*(one(port, told, drawn) for told in opened))


async def one(port: int, opened: Mapping[str, Any], drawn: Drawn) -> Ran:
    protocols = [Subprotocol("perse.liveness.v1"), Subprotocol(f"token.{opened['client_token']}")]
    url = f"ws://127.0.0.1:{port}{opened['socket_url']}"
    ran, given = Ran(opened["session_id"]), [(Prompt.LOOK_AHEAD, time.monotonic())]
    async with connect(url, subprotocols=protocols, compression=None, proxy=None) as socket:
        sending = asyncio.create_task(send(socket, drawn, given, ran))
        async for text in socket:
            message = json.loads(text)
            if message["type"] == "prompt":
                given.append((Prompt(message["prompt"]), time.monotonic()))
            if message["type"] == "finished":
                break
        ended_s = time.monotonic()
        sending.cancel()
    times = [at_s for _, at_s in given[1:]]
    ran.took_s, ran.last_s = ended_s - times[0], ended_s - ran.last_s
    ran.prompts = [after - before for before, after in itertools.pairwise(times)]
    return ran


async def send(
    socket: ClientConnection, drawn: Drawn, given: list[tuple[Prompt, float]], ran: Ran
) -> None:
    """As a camera does, a frame when it is time for one."""
    start_s = time.monotonic()
    while True:
        (before, _), (after, since_s) = given[-2:] if len(given) > 1 else given * 2
        frames = drawn[before, after]
        index = min(int((time.monotonic() - since_s) * FRAMES_PER_S), len(frames) - 1)
        taken_ms = 1000 * (time.monotonic() - start_s)
        await socket.send(struct.pack(">d", taken_ms) + numbered(frames[index], ran.sent))
        ran.sent, ran.last_s = ran.sent + 1, time.monotonic()
        await asyncio.sleep(max(0.0, start_s + ran.sent / FRAMES_PER_S - time.monotonic()))


def numbered(jpeg: bytes, number: int) -> bytes:
    """The same picture in another file: with a comment, right behind the start."""
    return jpeg[:2] + b"\xff\xfe\x00\x06" + struct.pack(">I", number) + jpeg[2:]


def report(port: int, key: str, ran: list[Ran]) -> None:
    known = [ask(port, key, "GET", f"{_PATH}/{it.session_id}") for it in ran]
    passed = sum(it["state"] == "passed" for it in known)
    looked = sum(it["frames"] for it in known) / sum(it.sent for it in ran)
    took, last = ([getattr(it, name) for it in ran] for name in ("took_s", "last_s"))
    answered = [it for one in ran for it in one.prompts[1:]]
    print(
        f"{len(ran):3d} sessions: {passed} passed, prompts {sum(len(it.prompts) + 1 for it in ran)}"
        f" of {5 * len(ran)}, frames looked at {looked:.0%}; seconds (median, longest): session "
        f"{np.median(took):.1f}, {max(took):.1f}; a movement {np.median(answered):.1f}, "
        f"{max(answered):.1f}; last frame to the end {np.median(last):.2f}, {max(last):.2f}"
    )
    print("   ", dict(Counter(reason for it in known for reason in it["reasons"])) or "no reasons")


def ask(port: int, key: str, method: str, path: str, document: object = None) -> dict[str, Any]:
    connection = HTTPConnection("127.0.0.1", port)
    body = None if document is None else json.dumps(document)
    connection.request(method, path, body=body, headers={"x-api-key": key})
    said: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    return said


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--picture", type=Path, required=True)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 5, 20])
    return parser.parse_args()


if __name__ == "__main__":
    main()
