from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perse.domain.references import (
    BiometricReference,
    ReferenceRecord,
    Template,
    UserToken,
    UserTokens,
    new_user_token,
    parse_user_token,
)
from perse.domain.retries import RetryKey
from perse.domain.samples import ModelName
from perse.errors import InvalidParameter, UserTokenNotFound

TOKENS = [UserToken(f"{n:08x}-0000-4000-8000-000000000000") for n in range(60)]


def test_a_token_is_read_in_any_case_and_spacing() -> None:
    token = new_user_token()
    assert parse_user_token(f" {token.upper()}\n") == token


@pytest.mark.parametrize("text", ["", "list", "x" * 36, "a\0b", TOKENS[0] + "0", "1,2"])
def test_what_cannot_be_a_token_belongs_to_nobody(text: str) -> None:
    with pytest.raises(UserTokenNotFound):
        parse_user_token(text)


@given(
    before=st.integers(0, 40),
    changes=st.lists(st.booleans(), max_size=40),
    data=st.data(),
)
def test_changes_lead_to_what_reading_anew_would(
    before: int, changes: list[bool], data: st.DataObject
) -> None:
    expected, fresh = TOKENS[:before], iter(TOKENS[before:])
    known = UserTokens.of(expected)
    made: list[tuple[UserToken, bool]] = []
    for removal in changes:
        if removal and expected:
            gone = data.draw(st.sampled_from(expected))
            expected = [token for token in expected if token != gone]
            made.append((gone, True))
        elif token := next(fresh, None):
            expected = [*expected, token]
            made.append((token, False))
    changed = known.changed(made)
    assert list(changed) == expected
    assert len(changed) == len(expected)
    assert changed == UserTokens.of(expected)


def test_a_list_shows_how_many_and_not_whom() -> None:
    assert repr(UserTokens.of(TOKENS[:3])) == "UserTokens(3 users)"
    assert json.loads(b"[%s]" % b"".join(UserTokens.of(TOKENS).json_blocks())) == TOKENS
    assert UserTokens() != object()


def test_a_reference_and_its_template_name_one_model() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    record = ReferenceRecord(TOKENS[0], ModelName("one"), {}, at, at)
    template = Template(np.eye(3, dtype=np.float32)[0], ModelName("two"))
    with pytest.raises(InvalidParameter):
        BiometricReference(record, template)


def test_a_retry_key_holds_neither_name_nor_picture() -> None:
    key = RetryKey.for_content("order-66", b"picture", secret=b"s" * 32)
    assert key == RetryKey.for_content("order-66", b"picture", secret=b"s" * 32)
    assert key != RetryKey.for_content("order-66", b"another", secret=b"s" * 32)
    assert key.request != RetryKey.for_content("order-66", b"picture", secret=b"t" * 32).request
    assert b"order" not in key.key
    assert repr(key) == "RetryKey()"


@pytest.mark.parametrize(
    "name", ["", "x" * 256, "a\nb", "a\n", "ä", "a b", " ", "a\tb", "a, b", "\x7f"]
)
def test_a_name_that_no_header_should_hold_is_refused(name: str) -> None:
    with pytest.raises(InvalidParameter):
        RetryKey.of(name, request=b"")
