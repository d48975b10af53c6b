from __future__ import annotations

import pytest
import sqlalchemy as sa

from perse.domain.subjects import (
    MOST_COLLECTIONS_OF_A_TENANT,
    CollectionName,
    check_room_for_collection,
)
from perse.errors import InvalidParameter
from perse.storage.schema import collections
from perse.storage.storage import Storage
from tests.storage.samples import ACME, NOW, OTHER, entry, with_tenants


def test_a_tenant_has_so_many_collections_and_no_more(storage: Storage) -> None:
    with_tenants(storage.keys)
    rows = [
        {"tenant_id": ACME, "name": f"c{n}", "created_at": NOW}
        for n in range(MOST_COLLECTIONS_OF_A_TENANT)
    ]
    with storage.database.write() as connection:
        connection.execute(sa.insert(collections), rows)
    _, is_new = storage.collections.put(CollectionName("c0"), entry=entry())
    assert not is_new
    with pytest.raises(InvalidParameter, match="no more"):
        storage.collections.put(CollectionName("another"), entry=entry())
    _, is_new = storage.collections.put(CollectionName("another"), entry=entry(OTHER))
    assert is_new


def test_the_last_collection_that_may_be_made_is_made() -> None:
    check_room_for_collection(MOST_COLLECTIONS_OF_A_TENANT - 1)
    with pytest.raises(InvalidParameter):
        check_room_for_collection(MOST_COLLECTIONS_OF_A_TENANT)
