from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from perse.errors import WeightsCorrupt, WeightsUnavailable
from perse.weights.downloads import NotThere, download, open_client
from perse.weights.files import Piece, silent
from tests.weights.file_server import FileServer

CONTENT = bytes(range(256)) * 4096
PIECE = Piece("net.onnx", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer({"net.onnx": CONTENT, "other.onnx": CONTENT[::-1]}).running() as running:
        yield running


def fetch(server: FileServer, part: Path, name: str = "net.onnx") -> list[float]:
    pauses: list[float] = []
    with open_client() as client:
        url = f"{server.url}/{name}"
        download(client, url, PIECE, part=part, progress=silent, pause=pauses.append)
    return pauses


def test_brings_the_file_and_tells_of_it(server: FileServer, tmp_path: Path) -> None:
    heard: list[tuple[int, int, str]] = []
    with open_client() as client:
        download(
            client,
            f"{server.url}/net.onnx",
            PIECE,
            part=tmp_path / "p",
            progress=lambda done, total, name: heard.append((done, total, name)),
        )
    assert (tmp_path / "p").read_bytes() == CONTENT
    assert heard[-1] == (len(CONTENT), len(CONTENT), "net.onnx")


def test_goes_on_where_an_earlier_start_stopped(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(CONTENT[:1000])
    fetch(server, tmp_path / "p")
    assert (tmp_path / "p").read_bytes() == CONTENT
    assert server.requests == [("/net.onnx", "bytes=1000-")]


def test_goes_on_after_a_broken_connection(server: FileServer, tmp_path: Path) -> None:
    server.cut_after = [700_000, 200_000]
    assert fetch(server, tmp_path / "p") == [0.5, 1.0]
    assert (tmp_path / "p").read_bytes() == CONTENT
    assert [wanted for _, wanted in server.requests][1] == "bytes=700000-"


def test_begins_anew_where_the_server_cannot_resume(server: FileServer, tmp_path: Path) -> None:
    server.resumes = False
    (tmp_path / "p").write_bytes(CONTENT[:1000])
    fetch(server, tmp_path / "p")
    assert (tmp_path / "p").read_bytes() == CONTENT


@pytest.mark.parametrize("left_over", [b"x" * 1000, b"x" * len(CONTENT), b"x" * 2 * len(CONTENT)])
def test_begins_anew_after_a_left_over_of_another_file(
    server: FileServer, tmp_path: Path, left_over: bytes
) -> None:
    (tmp_path / "p").write_bytes(left_over)
    fetch(server, tmp_path / "p")
    assert (tmp_path / "p").read_bytes() == CONTENT


def test_tries_again_after_a_passing_failure(server: FileServer, tmp_path: Path) -> None:
    server.failures = [503, 429]
    assert fetch(server, tmp_path / "p") == [0.5, 1.0]


def test_gives_up_after_four_passing_failures(server: FileServer, tmp_path: Path) -> None:
    server.failures = [503] * 4
    with pytest.raises(WeightsUnavailable, match=r"127\.0\.0\.1 did not answer \(status 503\)"):
        fetch(server, tmp_path / "p")


def test_a_missing_file_is_not_asked_for_twice(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(NotThere):
        fetch(server, tmp_path / "p", "absent.onnx")
    assert len(server.requests) == 1


def test_a_refusal_says_so(server: FileServer, tmp_path: Path) -> None:
    server.failures = [403]
    with pytest.raises(WeightsUnavailable, match="refused"):
        fetch(server, tmp_path / "p")


def test_another_file_of_the_same_length_is_not_kept(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(WeightsCorrupt, match="SHA-256"):
        fetch(server, tmp_path / "p", "other.onnx")
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("content", [b"<html>Please sign in</html>", CONTENT + b"!"])
def test_a_file_of_another_length_is_refused_at_once(
    server: FileServer, tmp_path: Path, content: bytes
) -> None:
    server.files["net.onnx"] = content
    with pytest.raises(WeightsCorrupt, match="another file"):
        fetch(server, tmp_path / "p")
    assert len(server.requests) == 1


def test_nobody_at_the_address(tmp_path: Path) -> None:
    with FileServer({}).running() as gone:
        url = gone.url
    with pytest.raises(WeightsUnavailable, match="did not answer"):
        fetch(FileServer({}, url=url), tmp_path / "p")
