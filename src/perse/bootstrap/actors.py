"""Who acts where no API key does, as the audit log tells it."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

from perse.domain.audit import Actor, ActorKind

# The kernel's own note of who logged in, which stays the same through sudo and su.
_LOGIN = Path("/proc/self/loginuid")
_NO_LOGIN = 2**32 - 1
_USERS = Path("/etc/passwd")


def at_the_command_line() -> Actor:
    """The system's user, also the one who logged in where that is another, and the host."""
    return Actor(ActorKind.COMMAND, _here())


def the_server() -> Actor:
    """The user that the server runs as, and the host."""
    return Actor(ActorKind.SERVER, _here())


def _here() -> str:
    user, login = os.getuid(), _login()
    behind = "" if login is None or login == user else f" ({_name(login)} logged in)"
    return f"{_name(user)}@{socket.gethostname()}{behind}"


def _login() -> int | None:
    """None where nobody logged in, as in a container, and where the kernel keeps no such note."""
    with suppress(OSError, ValueError):
        login = int(_LOGIN.read_text("ascii"))
        return None if login == _NO_LOGIN else login
    return None


def _name(user: int) -> str:
    """The machine's own name of a user, else the number. Not from the environment, which says what
    its user likes, and not by the C library, which may ask others over the network."""
    number = str(user)
    with suppress(OSError):
        for line in _USERS.read_text("utf-8", "replace").splitlines():
            name, _, rest = line.partition(":")
            if rest.split(":")[1:2] == [number]:
                return name
    return number
