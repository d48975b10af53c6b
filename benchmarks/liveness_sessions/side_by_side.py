"""Liveness sessions side by side on one server: what is dropped, how long they take, who passes.

    python -m benchmarks.liveness_sessions.side_by_side --sessions 1 5 20

The server runs in a process of its own, and clients do as theirs do: a frame when it is due, at the
rate that the server asks for. Heads are drawn before, at each moment of every movement from one
prompt to the next, so that clients cost little but sending; each begins to move so long after a
prompt as somebody who reads it.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import struct
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from benchmarks.liveness_sessions.instruments import BONA_FIDE, INSTRUMENTS
from benchmarks.liveness_sessions.recordings import sitter_of
from benchmarks.liveness_sessions.running import seeded
from benchmarks.serving import Server, prepared_key, served
from perse.domain.session_frames import GivenPrompt, Prompt

# A head is drawn so often; it is sent as often as the server asks.
DRAWN_PER_S = 10
DRAWN_S = 2.5
AGAIN_S = 3.0
PORTRAITS = Path(__file__).parents[2] / "tests" / "samples" / "portraits"
PEOPLE = ("obama_2012", "collins_1992")
_PATH = "/v1/liveness/sessions"
Drawn = Mapping[tuple[Prompt, Prompt], list[bytes]]


@dataclass
class Ran:
    """One session: seconds from its first prompt to the end, and of each prompt to the next. One of
    the last two frames is the one that decided: ``last_s`` is from the earlier of them to the end.
    ``per_s``: the frames that were asked for, latest last."""

    session_id: str
    took_s: float = 0.0
    last_s: float = 0.0
    prompts: list[float] = field(default_factory=list)
    sent_at_s: list[float] = field(default_factory=list)
    per_s: list[float] = field(default_factory=list)
    clean: bool = False
    refusals: int = 0


def main() -> None:
    arguments = _arguments()
    drawn = [drawn_heads(PORTRAITS / f"{name}.jpg", arguments.weights) for name in PEOPLE]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "weights").symlink_to((arguments.weights / "weights").resolve())
        environment = {**os.environ, "PERSE_DATA_DIR": folder, "PERSE_LOG_LEVEL": "warning"}
        key = prepared_key(environment)
        with served(environment) as server:
            print(f"{date.today()}  {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
            for sessions in arguments.sessions:
                ran = asyncio.run(all_of(server.port, key, drawn, sessions))
                report(server, key, ran)


def drawn_heads(picture: Path, data_dir: Path) -> Drawn:
    """The way from each prompt to each other one."""
    sitter = sitter_of(picture, data_dir)
    film = INSTRUMENTS[BONA_FIDE](sitter, sitter, seeded("side by side"))
    moments = [index / DRAWN_PER_S for index in range(int(DRAWN_S * DRAWN_PER_S))]
    return {
        (before, after): [
            film.frame(100 + at_s, [GivenPrompt(before, 0.0), GivenPrompt(after, 100.0)])
            for at_s in moments
        ]
        for before, after in itertools.product(Prompt, Prompt)
        if before is not after or before is Prompt.LOOK_AHEAD
    }


async def all_of(port: int, key: str, drawn: Sequence[Drawn], sessions: int) -> list[Ran]:
    opened = [ask(port, key, "POST", _PATH, {}) for _ in range(sessions)]
    heads = itertools.cycle(drawn)
    return await asyncio.gather(
        *(one(port, told, head) for told, head in zip(opened, heads, strict=False))
    )


async def one(port: int, opened: Mapping[str, Any], drawn: Drawn) -> Ran:
    protocols = [Subprotocol("perse.liveness.v1"), Subprotocol(f"token.{opened['client_token']}")]
    url = f"ws://127.0.0.1:{port}{opened['socket_url']}"
    ran, given = Ran(opened["session_id"]), [(Prompt.LOOK_AHEAD, time.monotonic())]
    ended_s = None
    while ended_s is None:  # refused before it began: later, as the page tells people
        async with connect(url, subprotocols=protocols, compression=None, proxy=None) as socket:
            ended_s = await followed(socket, drawn, given, ran)
        if ended_s is None:
            ran.refusals += 1
            await asyncio.sleep(AGAIN_S)
    ran.clean = socket.protocol.close_rcvd is not None and socket.protocol.close_code == 1000
    times = [at_s for _, at_s in given[1:]]
    ran.took_s, ran.last_s = ended_s - times[0], ended_s - ran.sent_at_s[-2]
    ran.prompts = [after - before for before, after in itertools.pairwise(times)]
    return ran


async def followed(
    socket: ClientConnection, drawn: Drawn, given: list[tuple[Prompt, float]], ran: Ran
) -> float | None:
    """When it was over; None where there was no room for it."""
    sending: asyncio.Task[None] | None = None
    try:
        async for text in socket:
            message = json.loads(text)
            if message.get("code") == "overloaded" and not ran.per_s:
                return None
            match message.get("type"):
                case "ready":
                    ran.per_s.append(message["frames"]["per_s"])
                case "pace":
                    ran.per_s.append(message["per_s"])
                case "prompt":
                    given.append((Prompt(message["prompt"]), time.monotonic()))
                    sending = sending or asyncio.create_task(send(socket, drawn, given, ran))
                case "finished":
                    return time.monotonic()
    finally:
        if sending is not None:
            sending.cancel()
    raise SystemExit("a session ended before it was over")


async def send(
    socket: ClientConnection, drawn: Drawn, given: list[tuple[Prompt, float]], ran: Ran
) -> None:
    """As a camera does, a frame when it is time for one."""
    start_s = due_s = time.monotonic()
    while True:
        (before, _), (after, since_s) = given[-2:]
        frames = drawn[before, after]
        index = min(int((time.monotonic() - since_s) * DRAWN_PER_S), len(frames) - 1)
        taken_ms = 1000 * (time.monotonic() - start_s)
        await socket.send(struct.pack(">d", taken_ms) + numbered(frames[index], len(ran.sent_at_s)))
        ran.sent_at_s.append(time.monotonic())
        due_s = max(due_s + 1 / ran.per_s[-1], time.monotonic())
        await asyncio.sleep(due_s - time.monotonic())


def numbered(jpeg: bytes, number: int) -> bytes:
    """The same picture in another file: with a comment, right behind the start."""
    return jpeg[:2] + b"\xff\xfe\x00\x06" + struct.pack(">I", number) + jpeg[2:]


def report(server: Server, key: str, ran: list[Ran]) -> None:
    known = [ask(server.port, key, "GET", f"{_PATH}/{it.session_id}") for it in ran]
    passed = sum(it["state"] == "passed" for it in known)
    looked, sent = sum(it["frames"] for it in known), sum(len(it.sent_at_s) for it in ran)
    took, last = ([getattr(it, name) for it in ran] for name in ("took_s", "last_s"))
    answered = [it for one in ran for it in one.prompts[1:]]
    asked_for = [it.per_s[-1] for it in ran]
    seen = np.median([it["frames"] / one.took_s for it, one in zip(known, ran, strict=True)])
    print(
        f"{len(ran):3d} sessions: {passed} passed, prompts {sum(len(it.prompts) + 1 for it in ran)}"
        f" of {5 * len(ran)}, frames looked at {looked} of {sent}, a second and session "
        f"{seen:.1f} (asked for {np.median(asked_for):.1f}); ended cleanly "
        f"{sum(it.clean for it in ran)}, refused at first {sum(it.refusals > 0 for it in ran)}"
    )
    print(
        f"    seconds (median, longest): session {np.median(took):.1f}, {max(took):.1f}; a movement"
        f" {np.median(answered):.1f}, {max(answered):.1f}; last frame but one to the end "
        f"{np.median(last):.2f}, {max(last):.2f}"
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
    parser.add_argument("--weights", type=Path, default=Path("build"), help="a folder with weights")
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 5, 20])
    return parser.parse_args()


if __name__ == "__main__":
    main()
