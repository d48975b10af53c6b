from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest

from perse.errors import WeightsCorrupt
from perse.weights.files import Piece, holds, home_expanded, pour, silent

PIECE = Piece("net.onnx", hashlib.sha256(b"weights").hexdigest(), 7)


def test_a_file_is_the_piece_only_with_its_size_and_digest(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    for content, same in ((b"weights", True), (b"Weights", False), (b"weights!", False)):
        path.write_bytes(content)
        assert holds(path, PIECE) is same


def test_pouring_stops_at_more_than_was_pinned() -> None:
    with pytest.raises(WeightsCorrupt, match="longer than the 7 bytes"):
        pour(io.BytesIO(b"weights and more"), io.BytesIO(), PIECE, silent)


@pytest.mark.parametrize("name", ["~nobody_of_that_name/weights", "/weights", "weights"])
def test_a_home_that_nobody_has_is_a_name_like_any_other(name: str) -> None:
    assert home_expanded(name) == Path(name)
