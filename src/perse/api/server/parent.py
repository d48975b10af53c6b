"""The parent of a server of several processes, a program of its own: it has none of what they
load, and so costs next to nothing.

    python -m perse.api.server.parent COUNT URL LISTENERS BOARD COMMAND ...
"""

from __future__ import annotations

import json
import os
import socket
import sys
from contextlib import suppress
from datetime import UTC, datetime

from perse.api.server.watch import Watch

# Tells a server what it inherits: its listeners, the board, and the channel to its parent.
BERTH = "PERSE_BERTH"


def main(count: str, url: str, listeners: str, board: str, *command: str) -> int:
    """Be the parent of so many servers, each started by ``command``."""

    def be_a_server(channel: socket.socket) -> None:
        channel.set_inheritable(True)
        os.environ[BERTH] = f"{listeners}:{board}:{channel.fileno()}"
        try:
            os.execv(command[0], command)  # noqa: S606
        except OSError as error:
            sys.exit(f"perse: {command[0]} cannot be started again: {error.strerror}")

    def announce() -> None:
        sys.stderr.write(f"perse is ready at {url}  (look at it in a browser: {url}/)\n")

    terminal = os.isatty(sys.stderr.fileno())
    inherited = [socket.socket(fileno=int(number)) for number in listeners.split(",")]
    return Watch(
        int(count),
        be_a_server,
        listeners=inherited,
        on_ready=announce,
        tell=tell,
        renews=True,
        abandoned=lambda: terminal and not os.isatty(sys.stderr.fileno()),
    ).run()


def tell(event: str, **facts: object) -> None:
    """A line as the servers write theirs."""
    at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    line = {**facts, "event": event, "level": "warning", "timestamp": at}
    with suppress(OSError):  # nobody reads it any more
        sys.stderr.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
