"""Subjects: enrolled people, their samples, and the collections they belong to."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NewType

from perse.domain.receipts import Receipt
from perse.domain.references import BiometricReference, ReferenceRecord, SampleId, UserToken
from perse.errors import InvalidParameter

# A collection's name: it stands in addresses and forms, so it needs no escaping there.
COLLECTION_PATTERN: Final = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
LONGEST_EXTERNAL_ID: Final = 200
MOST_COLLECTIONS: Final = 20
MOST_COLLECTIONS_OF_A_TENANT: Final = 1000

CollectionName = NewType("CollectionName", str)
ExternalId = NewType("ExternalId", str)


def new_sample_id() -> SampleId:
    """A random UUID."""
    return SampleId(str(uuid.uuid4()))


def parse_collection_name(text: str) -> CollectionName:
    """Raises InvalidParameter unless it is 1 to 64 letters, digits, dots, dashes, underscores."""
    if not re.fullmatch(COLLECTION_PATTERN.strip("^$"), text):
        raise InvalidParameter(
            "a collection's name has 1 to 64 of the characters A-Z a-z 0-9 . _ - and begins with "
            "a letter or digit"
        )
    return CollectionName(text)


def check_room_for_collection(held: int) -> None:
    """Raises InvalidParameter when a tenant has as many collections as it may."""
    if held >= MOST_COLLECTIONS_OF_A_TENANT:
        raise InvalidParameter(
            f"there are {held} collections, and no more may be made: delete one that is not needed"
        )


def parse_external_id(text: str) -> ExternalId:
    """Raises InvalidParameter unless it is 1 to 200 printable characters."""
    if not (1 <= len(text) <= LONGEST_EXTERNAL_ID and text.isprintable()):
        raise InvalidParameter(
            f"external_id has 1 to {LONGEST_EXTERNAL_ID} printable characters: your own name for "
            "the subject, such as an account number"
        )
    return ExternalId(text)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is known of an enrolled person beside the samples. Times are aware, UTC.

    ``version`` counts the changes of the subject, its collections and its samples from 1;
    ``updated_at``: when a sample was last added, else when the subject was made.
    """

    user_token: UserToken
    external_id: ExternalId | None
    collections: frozenset[CollectionName]
    faces: int
    voices: int
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def place(self) -> Place:
        return Place(self.user_token, self.created_at)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a subject stands in the order of their making, also when it is gone."""

    user_token: UserToken
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SubjectDetails:
    """What a client says of a subject. Raises InvalidParameter for too many collections."""

    external_id: ExternalId | None = None
    collections: frozenset[CollectionName] = frozenset()

    def __post_init__(self) -> None:
        if len(self.collections) > MOST_COLLECTIONS:
            raise InvalidParameter(f"a subject is in at most {MOST_COLLECTIONS} collections")


@dataclass(frozen=True, slots=True)
class Collection:
    """A named part of a tenant's subjects."""

    name: CollectionName
    subjects: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class KeptSample:
    """``displaced``: the proof that older samples were destroyed, because the subject had as many
    as it may."""

    record: ReferenceRecord
    displaced: Receipt | None


@dataclass(frozen=True, slots=True)
class ChangedSubjects:
    """What a reader has to read anew to know of ``revision``.

    ``user_tokens``: None = everything, since the changes go further back than they are kept.
    ``collections``: those that were removed; what subjects belong to since, is read with them.
    """

    revision: int
    user_tokens: frozenset[UserToken] | None
    collections: frozenset[CollectionName] = frozenset()


@dataclass(frozen=True, slots=True)
class EnrolledSubject:
    """A subject as a search knows it. ``position``: in the order of their making, from 1."""

    user_token: UserToken
    position: int
    collections: frozenset[CollectionName]
    references: Sequence[BiometricReference]
    external_id: ExternalId | None = None
