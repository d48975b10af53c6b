from __future__ import annotations

from uuid import UUID

import pytest

from perse.auth.api_keys import ApiKeys, digest_of
from perse.domain.access import Permission
from perse.errors import InvalidParameter, NotFound
from tests.fakes.keys import MemoryKeys


@pytest.fixture
def keys() -> ApiKeys:
    return ApiKeys(MemoryKeys())


def test_a_key_is_a_random_uuid_and_only_its_digest_is_kept(keys: ApiKeys) -> None:
    key, text = keys.create("shop")
    assert UUID(text).version == 4
    assert key.digest == digest_of(text)
    assert text not in repr(key)
    assert text != key.key_id


def test_a_key_is_found_by_its_text_in_any_case(keys: ApiKeys) -> None:
    key, text = keys.create("shop")
    assert keys.find(text) == key
    assert keys.find(f" {text.upper()} ") == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no uuid",
        "{00000000-0000-4000-8000-000000000000}",
        "urn:uuid:00000000-0000-4000-8000-000000000000",
        "00000000000040008000000000000000",
        "０0000000-0000-4000-8000-000000000000",
        "00000000-0000-4000-8000-000000000000\x00",
        "\ud800",
    ],
)
def test_what_is_no_canonical_uuid_is_no_key(text: str) -> None:
    assert digest_of(text) is None


def test_an_unknown_uuid_opens_nothing(keys: ApiKeys) -> None:
    assert keys.find("00000000-0000-4000-8000-000000000000") is None


def test_keys_have_tenants_of_their_own(keys: ApiKeys) -> None:
    one, _ = keys.create("one")
    other, _ = keys.create("other")
    assert one.tenant_id != other.tenant_id


def test_a_name_belongs_to_one_active_key(keys: ApiKeys) -> None:
    keys.create("shop")
    with pytest.raises(InvalidParameter, match="shop"):
        keys.create("shop")
    keys.revoke("shop")
    keys.create("shop")


def test_a_revoked_key_is_found_no_more(keys: ApiKeys) -> None:
    _, text = keys.create("shop")
    assert not keys.revoke("shop").active
    assert keys.find(text) is None
    with pytest.raises(NotFound):
        keys.revoke("shop")


def test_a_key_shares_the_tenant_of_another_where_that_is_asked_for(keys: ApiKeys) -> None:
    one, _ = keys.create("one")
    kiosk, text = keys.create("kiosk", permissions=frozenset({Permission.ENROL}), tenant_of="one")
    assert kiosk.tenant_id == one.tenant_id
    assert keys.find(text) == kiosk
    assert kiosk.caller.permissions == {Permission.ENROL}
    with pytest.raises(NotFound):
        keys.create("other", tenant_of="nobody")


def test_rotation_keeps_the_tenant_and_the_old_key(keys: ApiKeys) -> None:
    old, old_text = keys.create("shop")
    new, new_text = keys.rotate("shop", retired_name="shop (old)")
    assert new.tenant_id == old.tenant_id
    assert keys.find(new_text) == new
    found = keys.find(old_text)
    assert found is not None
    assert found.name == "shop (old)"
