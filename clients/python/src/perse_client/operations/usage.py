"""How much of what it may use a tenant has used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from perse_client.call import Call, get
from perse_client.operations.measures import Answer


@dataclass(frozen=True, kw_only=True)
class Use:
    """``quota``: what is counted. ``most``: None without a quota. ``resets_at``: None of people and
    samples."""

    quota: str
    used: int
    most: int | None
    resets_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Usage(Answer):
    usage: tuple[Use, ...]


def get_usage() -> Call[Usage]:
    """How many people and samples the tenant has, and how much of its quotas is used."""
    return get("/v1/usage", Usage)
