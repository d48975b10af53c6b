from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from perse.domain.references import Traits, UserToken
from perse.domain.samples import ModelName
from perse.errors import StorageDamaged
from perse.storage.schema import subjects, templates, tenant_keys
from perse.storage.sealing import (
    WRAPPED_KEY_BYTES,
    Owner,
    new_key,
    open_template,
    rewrap_template,
    seal,
    seal_template,
    unseal,
)
from perse.storage.storage import Storage
from tests.storage.samples import ACME, OTHER, entry, reference, template, with_tenants

KEY = new_key()
OWNER = Owner(ACME, UserToken("user"))
NET = ModelName("net")


def test_a_sealed_template_opens_for_its_owner_and_model() -> None:
    sealed = seal_template(template(), OWNER, tenant_key=KEY)
    opened = open_template(sealed, OWNER, model=NET, tenant_key=KEY)
    np.testing.assert_array_equal(opened.vector, template().vector)


@given(parts=st.lists(st.text(), min_size=1, max_size=4))
def test_what_a_seal_is_bound_to_is_a_json_array(parts: list[str]) -> None:
    """So it has been since the first version: what was sealed then must open."""
    nonce, associated = bytes(12), json.dumps(["perse", *parts]).encode()
    sealed = nonce + AESGCM(KEY).encrypt(nonce, b"content", associated)
    assert unseal(KEY, sealed, *parts) == b"content"


def test_what_a_network_showed_beside_the_direction_is_kept_with_it() -> None:
    traits = Traits(12.5, 0.9375)
    sealed = seal_template(replace(template(), traits=traits), OWNER, tenant_key=KEY)
    opened = open_template(sealed, OWNER, model=NET, tenant_key=KEY)
    np.testing.assert_array_equal(opened.vector, template().vector)
    assert opened.traits == traits


@pytest.mark.parametrize("values", [1, 2, 3, 128, 512])
def test_templates_of_before_there_were_traits_open_without(values: int) -> None:
    plain = template(values=values)
    sealed = seal_template(plain, OWNER, tenant_key=KEY)
    assert len(sealed) == len(seal(KEY, plain.vector.tobytes(), "")) + WRAPPED_KEY_BYTES
    opened = open_template(sealed, OWNER, model=NET, tenant_key=KEY)
    np.testing.assert_array_equal(opened.vector, plain.vector)
    assert opened.traits is None


@pytest.mark.parametrize(
    ("owner", "model", "key"),
    [
        (Owner(OTHER, OWNER.user_token), NET, KEY),
        (Owner(ACME, UserToken("another")), NET, KEY),
        (OWNER, ModelName("other-net"), KEY),
        (OWNER, NET, new_key()),
    ],
    ids=["another tenant", "another user", "another network", "another key"],
)
def test_it_opens_for_nothing_else(owner: Owner, model: ModelName, key: bytes) -> None:
    sealed = seal_template(template(), OWNER, tenant_key=KEY)
    with pytest.raises(StorageDamaged):
        open_template(sealed, owner, model=model, tenant_key=key)


def test_the_same_template_never_looks_the_same() -> None:
    first, second = (seal_template(template(), OWNER, tenant_key=KEY) for _ in range(2))
    assert first[:16] != second[:16]
    assert first[-16:] != second[-16:]


def test_a_rewrapped_template_opens_with_the_new_key_only() -> None:
    other = new_key()
    sealed = seal_template(template(), OWNER, tenant_key=KEY)
    rewrapped = rewrap_template(sealed, OWNER, old_key=KEY, new_key=other)
    open_template(rewrapped, OWNER, model=NET, tenant_key=other)
    with pytest.raises(StorageDamaged):
        open_template(rewrapped, OWNER, model=NET, tenant_key=KEY)


@given(
    content=st.binary(max_size=200),
    parts=st.lists(st.text(), min_size=1, max_size=4),
    place=st.integers(min_value=0),
    flip=st.integers(1, 255),
)
def test_any_change_of_a_sealed_byte_shows(
    content: bytes, parts: list[str], place: int, flip: int
) -> None:
    sealed = bytearray(seal(KEY, content, *parts))
    assert unseal(KEY, bytes(sealed), *parts) == content
    sealed[place % len(sealed)] ^= flip
    with pytest.raises(StorageDamaged):
        unseal(KEY, bytes(sealed), *parts)


@given(
    one=st.lists(st.text(), min_size=1, max_size=3), two=st.lists(st.text(), min_size=1, max_size=3)
)
def test_different_bindings_never_coincide(one: list[str], two: list[str]) -> None:
    sealed = seal(KEY, b"content", *one)
    if one != two:
        with pytest.raises(StorageDamaged):
            unseal(KEY, sealed, *two)


def test_too_short_a_blob_is_damage() -> None:
    for length in (0, 11, 12, 27):
        with pytest.raises(StorageDamaged):
            unseal(KEY, bytes(length), "thing")


@pytest.fixture
def two_users(storage: Storage) -> tuple[UserToken, UserToken]:
    with_tenants(storage.keys)
    users = [reference(n) for n in (1, 2)]
    for made in users:
        storage.references.add(made, entry=entry())
    return users[0].record.user_token, users[1].record.user_token


def test_swapped_rows_are_detected(
    storage: Storage, two_users: tuple[UserToken, UserToken]
) -> None:
    with storage.database.write() as connection:
        rows = connection.execute(sa.select(templates)).all()
        for row, other in zip(rows, reversed(rows), strict=True):
            connection.execute(
                sa.update(templates)
                .where(templates.c.template_id == row.template_id)
                .values(envelope=other.envelope)
            )
    for token in two_users:
        with pytest.raises(StorageDamaged):
            storage.references.find(ACME, token)


@pytest.mark.parametrize("column", ["tenant_id", "model", "user_token", "sample_id"])
def test_a_row_given_to_somebody_else_is_detected(
    storage: Storage, two_users: tuple[UserToken, UserToken], column: str
) -> None:
    changed = {"tenant_id": OTHER, "model": "other-net", "user_token": "x", "sample_id": "y"}
    with storage.database.write() as connection:
        # What a thief with write access would do: make another tenant's key look the same.
        key = connection.execute(sa.select(tenant_keys)).one()
        connection.execute(sa.insert(tenant_keys), key._asdict() | {"tenant_id": OTHER})
        its = sa.select(subjects.c.subject_id).where(subjects.c.user_token == two_users[0])
        changed_row = (
            sa.update(templates).where(templates.c.subject_id == its.scalar_subquery())
            if column in {"model", "sample_id"}
            else sa.update(subjects).where(subjects.c.user_token == two_users[0])
        )
        connection.execute(changed_row.values({column: changed[column]}))
    tenant = OTHER if column == "tenant_id" else ACME
    token = UserToken("x") if column == "user_token" else two_users[0]
    with pytest.raises(StorageDamaged):
        storage.references.find(tenant, token)
