"""What processes show one another. A second board of the same process stands for one that came
after the first had ended: locks are a process's own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from perse.api.telemetry.board import Board, new_board
from perse.api.telemetry.metrics import Metrics


@pytest.fixture
def memory() -> Iterator[int]:
    descriptor = new_board()
    yield descriptor
    os.close(descriptor)


def test_who_takes_over_a_slot_finds_what_was_posted_last(memory: int) -> None:
    assert Board(memory).before == b""
    first = Board(memory)
    for content in (b"one", b"two", b"the third is longer"):
        first.post(content)
    assert Board(memory).before == b"the third is longer"


def test_more_than_a_slot_takes_is_no_post(memory: int) -> None:
    board = Board(memory)
    board.post(b"kept")
    with pytest.raises(ValueError, match="more than a slot takes"):
        board.post(bytes(1024 * 1024))
    assert Board(memory).before == b"kept"


def test_one_process_is_freer_than_no_other(memory: int) -> None:
    board = Board(memory)
    board.show_connections(7)
    assert not board.another_is_freer()
    assert list(board.others()) == []


def test_one_that_was_killed_is_freer_than_nobody(memory: int) -> None:
    board = Board(memory)
    board.show_connections(3)
    program = (
        "import sys; from perse.api.telemetry.board import Board;"
        f"board = Board({memory}); board.show_connections(0); print('shown', flush=True);"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        pass_fds=[memory],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert board.another_is_freer()
        other.kill()
    assert not board.another_is_freer()


def test_counters_go_on_and_gauges_begin_anew(memory: int) -> None:
    ended = Metrics(Board(memory))
    ended.watch("perse_connections", "Connections open.", lambda: 5.0)
    for _ in range(3):
        ended.observe("GET", "/version", status=200, elapsed_s=0.01)
    ended.post()
    after = Metrics(Board(memory))
    after.describe("1.0", "standard", {"face_detector": "yunet"})
    after.observe("GET", "/version", status=200, elapsed_s=0.01)
    lines = after.text().decode().splitlines()
    assert 'perse_http_requests_total{method="GET",route="/version",status="200"} 4.0' in lines
    assert 'perse_http_request_seconds_count{route="/version"} 4.0' in lines
    assert 'perse_info{pack="standard",version="1.0"} 1.0' in lines
    assert not [line for line in lines if line.startswith("perse_connections ")]
    assert not [line for line in lines if "_created" in line]
