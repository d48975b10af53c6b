"""Collections: named parts of a tenant's subjects."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from perse.api.http.answers import Answer, Success
from perse.api.http.calls import Call
from perse.api.http.consent import Processes
from perse.api.http.needs import Needs
from perse.api.http.operations import Operation, Parameter
from perse.api.v1.examples import COLLECTION, COLLECTIONS, REMOVED
from perse.api.v1.wire import NAME_SCHEMA
from perse.domain.access import Permission
from perse.domain.consent import Processing
from perse.domain.subjects import Collection, CollectionName, parse_collection_name
from perse.errors import CollectionNotFound, InvalidParameter

_PATH = "/v1/collections"
_ONE = f"{_PATH}/{{name}}"
_NAME = Parameter("name", "path", "The collection.", NAME_SCHEMA)


class WireCollection(Answer):
    name: str
    subjects: int = Field(ge=0, description="How many subjects belong to it.")
    created_at: datetime


class CollectionAnswer(WireCollection, Success):
    """A collection."""


class CollectionsAnswer(Success):
    collections: list[WireCollection] = Field(description="By name.")


class RemovedAnswer(Success):
    """Nothing more is to be said."""


async def put(call: Call) -> CollectionAnswer:
    """Make a collection where there is none of that name."""
    name, make = _name(call), call.services.subjects.put_collection
    collection, _ = await call.look_up(lambda: make(call.caller, name))
    return CollectionAnswer(**_collection(collection), time_taken=call.time_taken())


async def show(call: Call) -> CollectionAnswer:
    """What is known of a collection."""
    name, kept = _name(call), call.services.subjects.collections
    collection = await call.look_up(lambda: kept.get(call.caller.tenant_id, name))
    return CollectionAnswer(**_collection(collection), time_taken=call.time_taken())


async def list_all(call: Call) -> CollectionsAnswer:
    """The collections of this API key's tenant."""
    kept = call.services.subjects.collections
    known = await call.look_up(lambda: kept.all(call.caller.tenant_id))
    return CollectionsAnswer(
        collections=[WireCollection(**_collection(it)) for it in known],
        time_taken=call.time_taken(),
    )


async def remove(call: Call) -> RemovedAnswer:
    """Let a collection be no more."""
    name, end = _name(call), call.services.subjects.remove_collection
    await call.look_up(lambda: end(call.caller, name))
    return RemovedAnswer(time_taken=call.time_taken())


def _name(call: Call) -> CollectionName:
    """Raises InvalidParameter."""
    return parse_collection_name(call.request.path_params[_NAME.name])


def _collection(collection: Collection) -> dict[str, object]:
    return {
        "name": collection.name,
        "subjects": collection.subjects,
        "created_at": collection.created_at,
    }


OPERATIONS = (
    Operation(
        "PUT",
        _ONE,
        put,
        CollectionAnswer,
        summary="Make a collection",
        tag="collections",
        description="Make a collection where there is none of that name; subjects are put into it "
        "by their own `collections`.",
        parameters=(_NAME,),
        processes=Processes(Processing.COLLECTION_CHANGE, with_change=True),
        needs=Needs.of(Permission.ENROL),
        errors=(InvalidParameter,),
        example=COLLECTION,
    ),
    Operation(
        "GET",
        _ONE,
        show,
        CollectionAnswer,
        summary="Show a collection",
        tag="collections",
        parameters=(_NAME,),
        processes=None,
        needs=Needs.of(Permission.READ),
        errors=(InvalidParameter, CollectionNotFound),
        example=COLLECTION,
    ),
    Operation(
        "GET",
        _PATH,
        list_all,
        CollectionsAnswer,
        summary="List collections",
        tag="collections",
        processes=None,
        needs=Needs.of(Permission.READ),
        example=COLLECTIONS,
    ),
    Operation(
        "DELETE",
        _ONE,
        remove,
        RemovedAnswer,
        summary="Remove a collection",
        tag="collections",
        description="Let a collection be no more; its subjects stay.",
        parameters=(_NAME,),
        processes=Processes(Processing.COLLECTION_CHANGE, with_change=True),
        needs=Needs.of(Permission.DELETE),
        errors=(InvalidParameter, CollectionNotFound),
        example=REMOVED,
    ),
)
