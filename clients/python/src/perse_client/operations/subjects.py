"""Subjects: make them, find them, change them, destroy them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from perse_client.call import Call, Listing, get, retry_header, segment
from perse_client.operations.measures import Answer, Receipt

_PATH = "/v1/subjects"


class Keep(Enum):
    """What is not to be changed."""

    KEEP = "keep"


KEEP = Keep.KEEP


@dataclass(frozen=True, kw_only=True)
class Subject:
    """``faces``, ``voices``: how many samples are kept. ``version`` counts the changes."""

    id: str
    external_id: str | None
    collections: tuple[str, ...]
    faces: int
    voices: int
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class KnownSubject(Subject, Answer):
    """A subject, as an answer of its own."""


@dataclass(frozen=True, kw_only=True)
class SubjectPage(Answer):
    """``next_cursor``: where the next page begins, None on the last one."""

    subjects: tuple[Subject, ...]
    next_cursor: str | None


def path_of(subject_id: str) -> str:
    """Of one subject."""
    return f"{_PATH}/{segment(subject_id)}"


def create_subject(
    *,
    external_id: str | None = None,
    collections: Iterable[str] = (),
    idempotency_key: str | None = None,
) -> Call[KnownSubject]:
    """Make a subject, who has no samples yet. ``external_id``: your own name for it."""
    named = {} if external_id is None else {"external_id": external_id}
    return Call(
        method="POST",
        path=_PATH,
        answer=KnownSubject,
        document={**named, "collections": list(collections)},
        headers=retry_header(idempotency_key),
    )


def get_subject(subject_id: str) -> Call[KnownSubject]:
    """What is known of a subject."""
    return get(path_of(subject_id), KnownSubject)


def change_subject(
    subject_id: str,
    *,
    external_id: str | Keep | None = KEEP,
    collections: Iterable[str] | Keep = KEEP,
    if_version: int | None = None,
) -> Call[KnownSubject]:
    """Change what is given; None takes the external id away. ``if_version``: only if the subject
    still has it, else ChangedMeanwhile is raised."""
    names = KEEP if isinstance(collections, Keep) else list(collections)
    changes = {"external_id": external_id, "collections": names}
    return Call(
        method="PATCH",
        path=path_of(subject_id),
        answer=KnownSubject,
        document={name: value for name, value in changes.items() if value is not KEEP},
        headers=_if_match(if_version),
        repeatable=False,
    )


def delete_subject(subject_id: str, *, if_version: int | None = None) -> Call[Receipt]:
    """Destroy a subject with all samples."""
    return Call(
        method="DELETE",
        path=path_of(subject_id),
        answer=Receipt,
        headers=_if_match(if_version),
        repeatable=False,
    )


def list_subjects(
    *,
    limit: int | None = None,
    cursor: str | None = None,
    collection: str | None = None,
    external_id: str | None = None,
) -> Call[SubjectPage]:
    """A page of subjects, the oldest first; those of a collection; or the one of an external id."""
    return get(
        _PATH,
        SubjectPage,
        limit=limit,
        cursor=cursor,
        collection=collection,
        external_id=external_id,
    )


def iter_subjects(
    *, collection: str | None = None, page_size: int | None = None
) -> Listing[Subject, SubjectPage]:
    """All subjects, or those of a collection, the oldest first. They may be deleted on the way."""

    def page_at(cursor: str | None) -> Call[SubjectPage]:
        return list_subjects(limit=page_size, cursor=cursor, collection=collection)

    def following(page: SubjectPage) -> Call[SubjectPage] | None:
        return None if page.next_cursor is None else page_at(page.next_cursor)

    return Listing(page_at(None), lambda page: page.subjects, following)


def _if_match(version: int | None) -> dict[str, str]:
    return {} if version is None else {"If-Match": f'"{version}"'}
