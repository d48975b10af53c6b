"""The rows of subjects and of the collections they belong to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from perse.domain.access import TenantId
from perse.domain.references import Modality, UserToken
from perse.domain.subjects import CollectionName, ExternalId, Place, Subject, SubjectDetails
from perse.errors import AlreadyExists, ChangedMeanwhile, CollectionNotFound
from perse.storage.absence import user_not_found
from perse.storage.schema import Row, collection_members, collections, subjects, templates
from perse.storage.sealing import Owner
from perse.storage.template_rows import is_subject


def add_subject(
    connection: sa.Connection, owner: Owner, *, at: datetime, external_id: str | None = None
) -> int:
    """A new row; which one."""
    made = sa.insert(subjects).values(
        tenant_id=owner.tenant_id,
        user_token=owner.user_token,
        external_id=external_id,
        created_at=at,
        updated_at=at,
    )
    return int(connection.execute(made.returning(subjects.c.subject_id)).scalar_one())


def make_subject(
    connection: sa.Connection, owner: Owner, details: SubjectDetails, *, at: datetime
) -> int:
    """A new row, in its collections; which one. Raises AlreadyExists and CollectionNotFound."""
    check_external_id(connection, owner, details.external_id)
    subject_id = add_subject(connection, owner, at=at, external_id=details.external_id)
    put_into_collections(connection, owner.tenant_id, subject_id, details.collections)
    return subject_id


def find_subject(connection: sa.Connection, owner: Owner) -> Subject:
    """Raises UserTokenNotFound."""
    return only_subject(connection, is_subject(owner))


def only_subject(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> Subject:
    """The one that fulfils a condition. Raises UserTokenNotFound."""
    found = read_subjects(connection, _SUBJECTS.where(condition))
    if not found:
        raise user_not_found()
    return found[0]


def subjects_after(
    tenant_id: TenantId, place: Place | None, limit: int, collection_id: int | None
) -> sa.Select[*tuple[object, ...]]:
    """At most ``limit`` of the tenant's, or of one collection, behind ``place``: the oldest first,
    those of one instant by token, so that a place is one whether its subject is there or not."""
    query = _SUBJECTS.where(subjects.c.tenant_id == tenant_id)
    if place is not None:
        query = query.where(
            sa.tuple_(*_ORDER)
            > sa.tuple_(
                sa.literal(place.created_at, subjects.c.created_at.type),
                sa.literal(place.user_token),
            )
        )
    if collection_id is not None:
        query = query.join(collection_members).where(
            collection_members.c.collection_id == collection_id
        )
    return query.order_by(*_ORDER).limit(limit)


def insist_on_subject(connection: sa.Connection, owner: Owner) -> None:
    """Raises UserTokenNotFound."""
    if connection.execute(sa.select(sa.literal(1)).where(is_subject(owner))).first() is None:
        raise user_not_found()


def read_subjects(
    connection: sa.Connection, query: sa.Select[*tuple[object, ...]]
) -> Sequence[Subject]:
    """Of a query that is made of those here."""
    rows = connection.execute(query).all()
    names = collections_of(connection, [row.subject_id for row in rows])
    return [_subject(row, names.get(row.subject_id, frozenset())) for row in rows]


def collections_of(
    connection: sa.Connection, subject_ids: Sequence[int]
) -> Mapping[int, frozenset[CollectionName]]:
    """The names of each subject's collections."""
    return collections_where(connection, subjects.c.subject_id.in_(subject_ids))


def collections_where(
    connection: sa.Connection, condition: sa.ColumnElement[bool]
) -> Mapping[int, frozenset[CollectionName]]:
    """The same of all subjects that fulfil a condition."""
    names: defaultdict[int, set[CollectionName]] = defaultdict(set)
    query = (
        sa.select(collection_members.c.subject_id, collections.c.name)
        .select_from(collection_members)
        .join(collections)
        .join(subjects, subjects.c.subject_id == collection_members.c.subject_id)
        .where(condition)
    )
    for row in connection.execute(query):
        names[row.subject_id].add(CollectionName(row.name))
    return {subject_id: frozenset(some) for subject_id, some in names.items()}


def put_into_collections(
    connection: sa.Connection,
    tenant_id: TenantId,
    subject_id: int,
    names: Collection[CollectionName],
) -> None:
    """Let a subject belong to these and to no others. Raises CollectionNotFound."""
    wanted = [collection_id(connection, tenant_id, name) for name in sorted(names)]
    mine = collection_members.c.subject_id == subject_id
    connection.execute(sa.delete(collection_members).where(mine))
    if wanted:
        connection.execute(
            sa.insert(collection_members),
            [{"collection_id": one, "subject_id": subject_id} for one in wanted],
        )


def collection_id(connection: sa.Connection, tenant_id: TenantId, name: CollectionName) -> int:
    """Raises CollectionNotFound."""
    query = sa.select(collections.c.collection_id).where(
        collections.c.tenant_id == tenant_id, collections.c.name == name
    )
    found = connection.execute(query).scalar()
    if found is None:
        raise CollectionNotFound(
            f"there is no collection {name}: make it with PUT /v1/collections/{name}"
        )
    return int(found)


def check_version(connection: sa.Connection, subject_id: int, version: int | None) -> None:
    """Raises ChangedMeanwhile unless the subject has this version; None = any."""
    if version is None:
        return
    query = sa.select(subjects.c.version).where(subjects.c.subject_id == subject_id)
    now = connection.execute(query).scalar_one()
    if now != version:
        raise ChangedMeanwhile(
            f"the subject has been changed since version {version}: read it again"
        )


def check_external_id(
    connection: sa.Connection, owner: Owner, external_id: ExternalId | None
) -> None:
    """Raises AlreadyExists when another subject has it. Ask with the tenant's row held."""
    if external_id is None:
        return
    query = sa.select(subjects.c.user_token).where(
        subjects.c.tenant_id == owner.tenant_id, subjects.c.external_id == external_id
    )
    found = connection.execute(query).scalar()
    if found not in {None, owner.user_token}:
        raise AlreadyExists("another subject has this external_id: it stands for one subject")


def _count(modality: Modality) -> sa.ScalarSelect[int]:
    return (
        sa.select(sa.func.count())
        .where(templates.c.subject_id == subjects.c.subject_id, templates.c.modality == modality)
        .scalar_subquery()
    )


_ORDER = subjects.c.created_at, subjects.c.user_token
_SUBJECTS = sa.select(
    subjects, _count(Modality.FACE).label("faces"), _count(Modality.VOICE).label("voices")
)


def _subject(row: Row, names: Iterable[CollectionName]) -> Subject:
    return Subject(
        user_token=UserToken(row.user_token),
        external_id=None if row.external_id is None else ExternalId(row.external_id),
        collections=frozenset(names),
        faces=row.faces,
        voices=row.voices,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
