"""What operators and their machines ask. Nobody needs to be known for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from perse_client.call import Call


@dataclass(frozen=True, kw_only=True)
class Live:
    live: bool
    status: int


@dataclass(frozen=True, kw_only=True)
class Ready:
    ready: bool
    status: int


@dataclass(frozen=True, kw_only=True)
class Version:
    """``pack``: of networks; ``models``: role -> network that fills it."""

    version: str
    pack: str
    models: Mapping[str, str]
    status: int


@dataclass(frozen=True, kw_only=True)
class PublicKeys:
    """RFC 7517."""

    keys: tuple[Mapping[str, Any], ...]


def check_live() -> Call[Live]:
    """Does the process answer?"""
    return Call(method="GET", path="/health/live", answer=Live, secured=False)


def check_ready() -> Call[Ready]:
    """Is the server ready for requests? Overloaded is raised at once where it is not."""
    return Call(method="GET", path="/health/ready", answer=Ready, secured=False, repeatable=False)


def get_version() -> Call[Version]:
    """Which perse this is, and with which networks."""
    return Call(method="GET", path="/version", answer=Version, secured=False)


def get_metrics() -> Call[str]:
    """Everything counted since the start, as Prometheus reads it."""
    return Call(method="GET", path="/metrics", answer=str, secured=False)


def get_public_keys() -> Call[PublicKeys]:
    """What verifies session tokens and receipts."""
    return Call(method="GET", path="/.well-known/jwks.json", answer=PublicKeys, secured=False)
