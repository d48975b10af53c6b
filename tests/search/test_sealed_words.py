"""What machines say to each other."""

from __future__ import annotations

from math import inf
from os import urandom

import pytest

from perse.errors import ClusterUnavailable
from perse.search.sealed_words import SealedWords

KEY = urandom(32)


def test_what_was_sealed_is_read_with_the_key_to_the_last_bit() -> None:
    words = {"floor": 0.1 + 0.2, "rest": -inf, "tokens": ["ann"], "collection": None}
    assert SealedWords(KEY).open(SealedWords(KEY).seal(words)) == words


def test_the_same_words_never_look_the_same() -> None:
    sealed = SealedWords(KEY)
    assert len({sealed.seal({"held": True}) for _ in range(100)}) == 100


def test_neither_another_key_nor_a_changed_byte_nor_another_question_opens_it() -> None:
    sealed, question = SealedWords(KEY), b"the question"
    answer = sealed.seal({"size": [1, 2, 3]}, question)
    for key, content, context in (
        (urandom(32), answer, question),
        (KEY, answer[:-1] + bytes([answer[-1] ^ 1]), question),
        (KEY, bytes([answer[0] ^ 1]) + answer[1:], question),
        (KEY, answer[:40], question),
        (KEY, b"", question),
        (KEY, answer, b"another question"),
    ):
        with pytest.raises(ClusterUnavailable):
            SealedWords(key).open(content, context)


def test_the_key_is_not_shown() -> None:
    assert KEY.hex() not in repr(SealedWords(KEY))
    assert repr(KEY) not in repr(SealedWords(KEY))
