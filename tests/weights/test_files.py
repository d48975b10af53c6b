from __future__ import annotations

import hashlib
import io
import os
import time
from pathlib import Path

import pytest

from perse.errors import WeightsCorrupt
from perse.weights.files import KnownDigests, Piece, holds, home_expanded, pour, silent

PIECE = Piece("net.onnx", hashlib.sha256(b"weights").hexdigest(), 7)


def test_a_file_is_the_piece_only_with_its_size_and_digest(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    for content, same in ((b"weights", True), (b"Weights", False), (b"weights!", False)):
        path.write_bytes(content)
        assert holds(path, PIECE) is same


def test_a_file_is_read_once_and_again_when_it_may_have_changed(tmp_path: Path) -> None:
    path, later_s = tmp_path / "net.onnx", time.time() + 60
    path.write_bytes(b"weights")
    known = KnownDigests(now_s=lambda: later_s)
    assert holds(path, PIECE, known)
    assert known.reads == 1
    assert holds(path, PIECE, known)
    assert known.reads == 1
    before = path.stat()
    path.write_bytes(b"Weights")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # as if nothing had been written
    assert not holds(path, PIECE, known)
    other = tmp_path / "other"
    other.write_bytes(b"weights")
    other.replace(path)
    assert holds(path, PIECE, known)
    assert known.reads == 3


def test_a_file_that_has_just_changed_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"weights")
    known = KnownDigests()
    assert [holds(path, PIECE, known) for _ in range(2)] == [True, True]
    assert known.reads == 2


def test_pouring_stops_at_more_than_was_pinned() -> None:
    with pytest.raises(WeightsCorrupt, match="longer than the 7 bytes"):
        pour(io.BytesIO(b"weights and more"), io.BytesIO(), PIECE, silent)


@pytest.mark.parametrize("name", ["~nobody_of_that_name/weights", "/weights", "weights"])
def test_a_home_that_nobody_has_is_a_name_like_any_other(name: str) -> None:
    assert home_expanded(name) == Path(name)
