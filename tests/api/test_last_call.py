"""A server that ends lets nobody in, and answers once more whoever was there."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from tests.served import Served, is_closed, read_answer, serving

ASK = b"GET /health/live HTTP/1.1\r\nHost: perse.test\r\n\r\n"


def until_nobody_is_let_in(served: Served) -> None:
    with suppress(ConnectionRefusedError):
        while True:
            served.connect().close()
            time.sleep(0.01)


def test_a_connection_that_rests_is_answered_once_more_and_told_that_it_is_the_last() -> None:
    with serving(last_call_s=60) as served, served.connect() as kept:
        kept.sendall(ASK)
        assert "connection" not in read_answer(kept).headers
        served.end()
        until_nobody_is_let_in(served)
        kept.sendall(ASK)
        answer = read_answer(kept)
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert is_closed(kept)


def test_one_that_is_not_asked_again_is_closed() -> None:
    with serving(last_call_s=0.05) as served, served.connect() as kept:
        kept.sendall(ASK)
        read_answer(kept)
        served.end()
        assert is_closed(kept)
    with pytest.raises(ConnectionRefusedError):
        served.connect()
