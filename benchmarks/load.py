"""A light HTTP/1.1 load generator: prepared bytes over keep-alive sockets, in its own process.

On two cores the client must cost next to nothing, so it neither builds nor parses more than it
has to: a status line, a content length and a body.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Load:
    clients: int
    requests: int
    seconds: float
    statuses: dict[str, int]
    p50_ms: float
    p95_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


async def _client(
    port: int, request: bytes, rounds: int, times_ms: list[float], statuses: dict[str, int]
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(rounds):
        start = time.perf_counter()
        writer.write(request)
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        length = next(int(li.split(":")[1]) for li in lines if li.lower().startswith("content-l"))
        await reader.readexactly(length)
        times_ms.append((time.perf_counter() - start) * 1000)
        status = lines[0].split()[1]
        statuses[status] = statuses.get(status, 0) + 1
    writer.close()


async def drive(port: int, request: bytes, *, clients: int, rounds: int) -> Load:
    times_ms: list[float] = []
    statuses: dict[str, int] = {}
    start = time.perf_counter()
    await asyncio.gather(
        *(_client(port, request, rounds, times_ms, statuses) for _ in range(clients))
    )
    seconds = time.perf_counter() - start
    cuts = statistics.quantiles(times_ms, n=100, method="inclusive")
    return Load(clients, len(times_ms), seconds, statuses, cuts[49], cuts[94], cuts[98])


def main() -> None:
    """load.py PORT REQUEST_FILE CLIENTS ROUNDS: print one Load as JSON."""
    port, file, clients, rounds = sys.argv[1:]
    request = Path(file).read_bytes()
    load = asyncio.run(drive(int(port), request, clients=int(clients), rounds=int(rounds)))
    sys.stdout.write(json.dumps(asdict(load)) + "\n")


if __name__ == "__main__":
    main()
