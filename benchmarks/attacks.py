"""What one tenant can do to a server: bounded attacks, each in a process of its own.

    python -m benchmarks.attacks NAME PORT KEY SECONDS FOLDER

Says "begun" when its connections stand, and what was answered when it ends. For
benchmarks/fairness.py; never for a server that is not your own.
"""

from __future__ import annotations

import asyncio
import collections
import sqlite3
import struct
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.serving import BOUNDARY, PORTRAIT, multipart

SIDES = (5470, 7300)  # 39.9 megapixels
LARGEST_FILE_BYTES = 1_000_000


@dataclass
class Attack:
    port: int
    key: str
    seconds: float
    folder: Path
    answers: collections.Counter[str] = field(default_factory=collections.Counter)
    cores: float = 0.0

    def head(self, method: str, path: str, length: int = 0, *, key: str | None = None) -> bytes:
        return (
            f"{method} {path} HTTP/1.1\r\nhost: x\r\nx-api-key: {key or self.key}\r\n"
            f"content-type: multipart/form-data; boundary={BOUNDARY}\r\n"
            f"content-length: {length}\r\n\r\n"
        ).encode()

    def form(self, path: str, files: dict[str, bytes]) -> bytes:
        body = multipart(files)
        return self.head("POST", path, len(body)) + body

    async def again_and_again(self, connections: int, request: Callable[[], bytes]) -> None:
        await asyncio.gather(*(self._in_turn(request) for _ in range(connections)))

    async def _in_turn(self, request: Callable[[], bytes]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            while True:
                writer.write(request())
                await writer.drain()
                self.answers[await _answer(reader)] += 1
        finally:
            writer.close()


# What it needs is made ready when it is called; the attack begins when it is awaited.
AttackCode = Callable[[Attack], Awaitable[None]]


async def _answer(reader: asyncio.StreamReader) -> str:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
    length = next((line for line in lines if line.startswith("content-length:")), None)
    if length is not None:
        await reader.readexactly(int(length.split(":")[1]))
    else:
        await reader.readuntil(b"0\r\n\r\n")
    return lines[0].split()[1]


def repeated(path: str, files: Callable[[], dict[str, bytes]]) -> AttackCode:
    def run(attack: Attack) -> Awaitable[None]:
        request = attack.form(path, files())
        return attack.again_and_again(64, lambda: request)

    return run


def _saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    target = BytesIO()
    picture.save(target, kind, **options)
    return target.getvalue()


def empty_webp() -> bytes:
    """A lossless picture of one colour: 38 bytes, 40 megapixels."""
    return _saved(Image.new("RGB", SIDES), "WEBP", lossless=True)


def zeros_png() -> bytes:
    return _saved(Image.new("L", SIDES), "PNG")


def heavy_jpeg() -> bytes:
    """As many pixels as the limits allow, in a file of honest size."""
    with Image.open(PORTRAIT) as portrait:
        large = portrait.convert("RGB").resize(SIDES)
    options = ({"quality": quality, "progressive": True} for quality in range(40, 0, -5))
    saved = (_saved(large, "JPEG", **given) for given in options)
    return next(file for file in saved if len(file) <= LARGEST_FILE_BYTES)


def many_scans_jpeg() -> bytes:
    """A progressive JPEG whose last refinement is repeated again and again."""
    data = _saved(
        Image.new("RGB", (1000, 2000), (90, 60, 30)), "JPEG", quality=20, progressive=True
    )
    start = data.rindex(b"\xff\xda")
    table = data.rindex(b"\xff\xc4", 0, start)
    return data[:-2] + data[table:-2] * 285 + data[-2:]


def crowd() -> bytes:
    """A hundred faces."""
    with Image.open(PORTRAIT) as portrait:
        small = portrait.convert("RGB").resize((160, 196))
    wall = Image.new("RGB", (1600, 1960))
    for n in range(100):
        wall.paste(small, (n % 10 * 160, n // 10 * 196))
    return _saved(wall, "JPEG", quality=80)


def long_speech() -> bytes:
    """Two minutes of noise with the loudness of syllables, WAV of 16 kHz."""
    rng, rate, seconds = np.random.default_rng(1), 16_000, 119
    time_s = np.arange(rate * seconds) / rate
    buzz = np.sign(np.sin(2 * np.pi * 120 * time_s)) * 0.3 + rng.normal(0, 0.05, len(time_s))
    samples = (buzz * (0.5 + 0.5 * np.sin(2 * np.pi * 4 * time_s)) * 20_000).astype("<i2").tobytes()
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16)
    data = form + struct.pack("<4sI", b"data", len(samples)) + samples
    return struct.pack("<4sI4s", b"RIFF", len(data) + 4, b"WAVE") + data


async def lists(attack: Attack) -> None:
    request = attack.head("GET", "/v0/face/enrollment/list")
    await attack.again_and_again(64, lambda: request)


async def pages(attack: Attack) -> None:
    request = attack.head("GET", "/v0/face/enrollment/list?limit=100000")
    await attack.again_and_again(64, lambda: request)


async def small_pages(attack: Attack) -> None:
    """Nothing is refused, and each answer costs as little as can be."""
    request = attack.head("GET", "/v0/face/enrollment/list?limit=1")
    await attack.again_and_again(64, lambda: request)


async def unread_lists(attack: Attack) -> None:
    """A hundred are asked for and none is read."""
    for _ in range(100):
        _, writer = await asyncio.open_connection("127.0.0.1", attack.port, limit=1024)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(attack.head("GET", "/v0/face/enrollment/list"))
    await asyncio.sleep(attack.seconds)


async def unfinished_uploads(attack: Attack) -> None:
    """Sixty forms of two recordings, of which the last kilobyte never comes."""
    recording = bytes(9_900_000)
    form = attack.form("/v0/voice/compare", {"audio_file1": recording, "audio_file2": recording})

    async def begin() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", attack.port)
        writer.write(form[:-1024])
        answer = asyncio.create_task(_answer(reader))
        await asyncio.wait([answer], timeout=attack.seconds)
        attack.answers[_heard(answer)] += 1
        writer.transport.abort()

    await asyncio.gather(*(begin() for _ in range(60)), return_exceptions=True)


def _heard(answer: asyncio.Task[str]) -> str:
    if not answer.done():
        answer.cancel()
        return "held"
    return "cut off" if answer.exception() else answer.result()


async def _send(writer: asyncio.StreamWriter, chunk: bytes, times: int) -> None:
    for _ in range(times):
        writer.write(chunk)
        await writer.drain()


async def unfinished_chunks(attack: Attack) -> None:
    """The same without telling the length."""
    part = f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="audio_file1"\r\n\r\n'.encode()
    head = attack.head("POST", "/v0/voice/compare").replace(
        b"content-length: 0", b"transfer-encoding: chunked"
    )
    chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"

    async def begin() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", attack.port)
        writer.write(head + f"{len(part):x}\r\n".encode() + part + b"\r\n")
        answer = asyncio.create_task(_answer(reader))
        sending = asyncio.ensure_future(_send(writer, chunk, 150))
        await asyncio.wait([answer], timeout=attack.seconds)
        attack.answers[_heard(answer)] += 1
        sending.cancel()
        writer.transport.abort()

    await asyncio.gather(*(begin() for _ in range(60)), return_exceptions=True)


async def slow_reader(attack: Attack) -> None:
    """Another program reads the database for long while six users are deleted."""
    database = sqlite3.connect(attack.folder / "perse.db", isolation_level=None)
    database.execute("BEGIN")
    rows = database.execute(
        "SELECT user_token FROM subjects JOIN api_keys USING (tenant_id) "
        "WHERE name = 'attacker' ORDER BY subject_id DESC LIMIT 6"
    )
    tokens = [row[0] for row in rows]

    async def delete(token: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", attack.port)
        writer.write(attack.head("DELETE", f"/v0/face/enrollment/{token}"))
        attack.answers[await _answer(reader)] += 1

    await asyncio.gather(*map(delete, tokens))


async def deletions(attack: Attack) -> None:
    """Users that are not there: each asks the database, and waits to write."""
    await attack.again_and_again(
        64, lambda: attack.head("DELETE", f"/v0/face/enrollment/{uuid.uuid4()}")
    )


async def unknown_keys(attack: Attack) -> None:
    await attack.again_and_again(
        64, lambda: attack.head("GET", "/v0/face/enrollment/list", key=str(uuid.uuid4()))
    )


ATTACKS: Mapping[str, AttackCode] = {
    "empty-webp": repeated("/v0/face/detect", lambda: {"image_file": empty_webp()}),
    "zeros-png": repeated("/v0/face/detect", lambda: {"image_file": zeros_png()}),
    "many-scans": repeated("/v0/face/detect", lambda: {"image_file": many_scans_jpeg()}),
    "heavy-jpeg": repeated("/v0/face/detect", lambda: {"image_file": heavy_jpeg()}),
    "heavy-compare": repeated(
        "/v0/face/compare", lambda: dict.fromkeys(("image_file1", "image_file2"), heavy_jpeg())
    ),
    "crowds": repeated("/v0/face/detect", lambda: {"image_file": crowd()}),
    "voices": repeated(
        "/v0/voice/compare", lambda: dict.fromkeys(("audio_file1", "audio_file2"), long_speech())
    ),
    "lists": lists,
    "pages": pages,
    "small-pages": small_pages,
    "unread-lists": unread_lists,
    "uploads": unfinished_uploads,
    "chunked-uploads": unfinished_chunks,
    "slow-reader": slow_reader,
    "deletions": deletions,
    "unknown-keys": unknown_keys,
}


async def _run(name: str, attack: Attack) -> None:
    prepared = ATTACKS[name](attack)
    running = asyncio.ensure_future(prepared)
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    started_s, used_s = time.perf_counter(), time.process_time()
    await asyncio.wait([running], timeout=attack.seconds + 3)
    attack.cores = (time.process_time() - used_s) / (time.perf_counter() - started_s)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def main() -> None:
    name, port, key, seconds, folder = sys.argv[1:]
    attack = Attack(int(port), key, float(seconds), Path(folder))
    asyncio.run(_run(name, attack))
    told = ", ".join(f"{count} x {answer}" for answer, count in sorted(attack.answers.items()))
    sys.stdout.write(f"attackers {attack.cores:.2f}; answers: {told or 'none'}\n")


if __name__ == "__main__":
    main()
