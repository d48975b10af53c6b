"""Collections: named parts of the subjects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from perse_client.call import Call, get, segment
from perse_client.operations.measures import Answer

_PATH = "/v1/collections"


@dataclass(frozen=True, kw_only=True)
class Collection:
    """``subjects``: how many belong to it."""

    name: str
    subjects: int
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class KnownCollection(Collection, Answer):
    """A collection, as an answer of its own."""


@dataclass(frozen=True, kw_only=True)
class Collections(Answer):
    """By name."""

    collections: tuple[Collection, ...]


def put_collection(name: str) -> Call[KnownCollection]:
    """Make a collection where there is none of that name."""
    return Call(method="PUT", path=_path_of(name), answer=KnownCollection)


def get_collection(name: str) -> Call[KnownCollection]:
    """What is known of a collection."""
    return get(_path_of(name), KnownCollection)


def list_collections() -> Call[Collections]:
    """All collections."""
    return get(_PATH, Collections)


def delete_collection(name: str) -> Call[Answer]:
    """Let a collection be no more; its subjects stay."""
    return Call(method="DELETE", path=_path_of(name), answer=Answer, repeatable=False)


def _path_of(name: str) -> str:
    return f"{_PATH}/{segment(name)}"
