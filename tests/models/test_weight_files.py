from __future__ import annotations

import hashlib
import io
import subprocess
import sys
from pathlib import Path

import pytest

from perse.errors import WeightsCorrupt, WeightsUnavailable
from perse.models.weight_files import Piece, holds, only_one, pour, settle, silent

PIECE = Piece("net.onnx", hashlib.sha256(b"weights").hexdigest(), 7)


def test_a_file_is_the_piece_only_with_its_size_and_digest(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    for content, same in ((b"weights", True), (b"Weights", False), (b"weights!", False)):
        path.write_bytes(content)
        assert holds(path, PIECE) is same


def test_pouring_stops_at_more_than_was_pinned() -> None:
    with pytest.raises(WeightsCorrupt, match="longer than the 7 bytes"):
        pour(io.BytesIO(b"weights and more"), io.BytesIO(), PIECE, silent)


def test_settling_replaces_at_once(tmp_path: Path) -> None:
    part, target = tmp_path / "net.part", tmp_path / "net.onnx"
    target.write_bytes(b"old")
    part.write_bytes(b"new")
    settle(part, target)
    assert target.read_bytes() == b"new"
    assert not part.exists()


HOLDER = """
import sys, time
from pathlib import Path
from perse.models.weight_files import only_one
with only_one(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(30)
"""


def test_a_lock_keeps_other_processes_out_and_dies_with_its_holder(tmp_path: Path) -> None:
    lock = tmp_path / "locks" / "net.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(WeightsUnavailable, match="another process"), only_one(lock, wait_s=0.2):
            pass
        holder.kill()
    with only_one(lock, wait_s=5):
        pass


def test_a_lock_is_free_again_after_a_failure(tmp_path: Path) -> None:
    lock = tmp_path / "net.lock"
    with pytest.raises(ZeroDivisionError), only_one(lock):
        raise ZeroDivisionError
    with only_one(lock, wait_s=0.2):
        pass
