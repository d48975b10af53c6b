"""A call of the API, described: what is sent, and as what its answer is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import quote
from uuid import uuid4

from perse_client.uploads import Upload, checked, is_repeatable

T = TypeVar("T")
Page = TypeVar("Page")
CONSENT = "client_declaration_enduser_consent"


@dataclass(frozen=True, kw_only=True, repr=False)
class Call(Generic[T]):
    """``path`` begins behind the server's address. ``repeatable``: whether doing it twice is like
    doing it once. ``secured``: whether the caller must be known. It has no repr: it holds pictures.
    """

    method: str
    path: str
    answer: type[T]
    files: Mapping[str, Upload] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    document: Mapping[str, object] | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True
    secured: bool = True

    @property
    def is_resendable(self) -> bool:
        """Whether what it sends is still there after it was sent."""
        return all(map(is_repeatable, self.files.values()))


@dataclass(frozen=True)
class Listing(Generic[T, Page]):
    """Pages of things: the call for the first one, what is on a page, the call for the next."""

    first: Call[Page]
    items: Callable[[Page], Iterable[T]]
    following: Callable[[Page], Call[Page] | None]


def get(path: str, answer: type[T], **query: object) -> Call[T]:
    """A question; a part of the query that is None is left out."""
    return Call(method="GET", path=path, answer=answer, query=_texts(query))


def form(
    path: str,
    answer: type[T],
    *,
    files: Mapping[str, Upload | None],
    consent: bool | None,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    **texts: object,
) -> Call[T]:
    """A form; a file or text that is None is left out. ``consent``: the end user's. Raises
    ValueError where no file is left, TypeError for what is no file."""
    if all(it is None for it in files.values()):
        raise ValueError(f"one of these at least is to be sent: {', '.join(files)}")
    declared = None if consent is None else str(consent).lower()
    return Call(
        method=method,
        path=path,
        answer=answer,
        files={name: checked(it) for name, it in files.items() if it is not None},
        fields=_texts({**texts, CONSENT: declared}),
        headers=headers or {},
    )


def retry_header(key: str | None) -> dict[str, str]:
    """What lets a call that makes something be repeated: the caller's own name for it, or one of
    ours."""
    return {"Idempotency-Key": str(uuid4()) if key is None else key}


def segment(name: str) -> str:
    """A name as one part of a path. Raises ValueError for what would lead to another path."""
    if name in {"", ".", ".."}:
        raise ValueError("an id is never empty and never consists of dots")
    return quote(name, safe="")


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items() if value is not None}
