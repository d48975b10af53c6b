"""How the installation is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from perse_client.call import Call, get
from perse_client.operations.measures import Answer


@dataclass(frozen=True, kw_only=True)
class Licence:
    """By name, and in words what is known of training data and commercial use."""

    code: str
    weights: str
    training_data: str
    commercial_use: str


@dataclass(frozen=True, kw_only=True)
class Network:
    """``origin``: where its makers published it."""

    role: str
    name: str
    origin: str
    licence: Licence


@dataclass(frozen=True, kw_only=True)
class Load:
    """``workers``, ``busy``: threads; ``waiting``, ``in_flight``: requests."""

    workers: int
    busy: int
    waiting: int
    in_flight: int


@dataclass(frozen=True, kw_only=True)
class SearchIndexes:
    """Of all tenants together. ``loading``: tenants whose templates are being read."""

    templates: int
    bytes: int
    loading: int
    searches: int


@dataclass(frozen=True, kw_only=True)
class Finding:
    """``state``: ok, warning or failed. ``sentence``: what is, or what to do."""

    name: str
    state: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class InstallationStatus(Answer):
    """``answers``: by HTTP status, ``errors``: by code, both since the start."""

    ready: bool
    version: str
    pack: str
    uptime_s: float
    networks: tuple[Network, ...]
    load: Load
    answers: Mapping[str, int]
    errors: Mapping[str, int]
    search: SearchIndexes
    findings: tuple[Finding, ...]


def get_status() -> Call[InstallationStatus]:
    """How the installation is, for its operator."""
    return get("/v1/status", InstallationStatus)
