"""Who acts where no API key does, as the audit log tells it."""

from __future__ import annotations

import os
import pwd
import socket
from contextlib import suppress
from pathlib import Path

from perse.domain.audit import Actor, ActorKind

# The kernel's own note of who logged in, which stays the same through sudo and su.
_LOGIN = Path("/proc/self/loginuid")
_NO_LOGIN = 2**32 - 1


def at_the_command_line() -> Actor:
    """The system's user, also the one who logged in where that is another, and the host."""
    return Actor(ActorKind.COMMAND, _here())


def the_server() -> Actor:
    """The user that the server runs as, and the host."""
    return Actor(ActorKind.SERVER, _here())


def _here() -> str:
    user, login = os.getuid(), _login()
    behind = "" if login in {None, user} else f" ({_name(login)} logged in)"
    return f"{_name(user)}@{socket.gethostname()}{behind}"


def _login() -> int | None:
    """None where nobody logged in, as in a container, and where the kernel keeps no such note."""
    with suppress(OSError, ValueError):
        login = int(_LOGIN.read_text("ascii"))
        return None if login == _NO_LOGIN else login
    return None


def _name(user: int | None) -> str:
    """From the system and not from the environment, which says what its user likes. A container's
    users may have no name."""
    try:
        return pwd.getpwuid(int(user or 0)).pw_name
    except KeyError:
        return str(user)
