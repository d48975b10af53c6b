"""What must be set before anything is sent to other machines."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Final

from perse.errors import SettingsInvalid

LOCAL: Final = "local"
_FILES: Final = {
    "RAY_TLS_SERVER_CERT": "this machine's certificate",
    "RAY_TLS_SERVER_KEY": "its private key",
    "RAY_TLS_CA_CERT": "the certificate of the authority that signed those of all machines",
}
# Whoever guesses it runs programs on all machines; `openssl rand -hex 32` gives 64.
_SHORTEST_TOKEN: Final = 32
_YES: Final = {"1", "true"}


def check_closed(environment: Mapping[str, str]) -> None:
    """That the cluster asks everybody for a token and for a certificate, as Ray's own variables
    say it. Raises SettingsInvalid with all that is missing."""
    if missing := list(_missing(environment)):
        raise SettingsInvalid(
            "whoever reaches a cluster without a token and TLS runs programs on all of its "
            "machines, so perse uses none. Set, for this server and for every node of the "
            "cluster: " + "; ".join(missing) + " (docs/cluster.md)"
        )


def close_local(environment: MutableMapping[str, str]) -> None:
    """Let nobody into a cluster of this process's own who does not have its token, whatever else
    is set. A token that nobody guesses stays."""
    environment["RAY_AUTH_MODE"] = "token"
    if len(_token(environment)) < _SHORTEST_TOKEN:
        environment["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


def _missing(environment: Mapping[str, str]) -> Iterator[str]:
    if environment.get("RAY_AUTH_MODE", "").lower() != "token":
        yield "RAY_AUTH_MODE=token"
    if len(_token(environment)) < _SHORTEST_TOKEN:
        yield f"RAY_AUTH_TOKEN_PATH, a file that holds a token of {_SHORTEST_TOKEN} characters"
    if environment.get("RAY_USE_TLS", "").lower() not in _YES:
        yield "RAY_USE_TLS=1"
    for name, what in _FILES.items():
        if not _readable(environment.get(name, "")):
            yield f"{name}, the file of {what}"


def _token(environment: Mapping[str, str]) -> str:
    """As Ray finds it: the value first. Empty = none."""
    if value := environment.get("RAY_AUTH_TOKEN"):
        return value.strip()
    try:
        return Path(environment.get("RAY_AUTH_TOKEN_PATH", "")).read_text().strip()
    except (OSError, ValueError):
        return ""


def _readable(path: str) -> bool:
    try:
        return Path(path).is_file() and Path(path).stat().st_size > 0
    except OSError:
        return False
