from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import fsspec
import pyarrow as pa
import pytest
from pyarrow import parquet

from perse.bulk.files import read
from perse.bulk.items import Item
from perse.bulk.sources import read_source
from perse.errors import FileTooLarge, InvalidParameter

JPEG = frozenset({".jpg"})
Place = Callable[[str, bytes], str]


@pytest.fixture(params=["here", "file://", "memory://"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A folder as a user names it, on this machine's disk or wherever fsspec finds it."""
    if request.param != "memory://":
        yield str(tmp_path) if request.param == "here" else f"file://{tmp_path}"
        return
    url = f"memory://{uuid4().hex}"
    yield url
    fsspec.filesystem("memory").rm(url, recursive=True)


@pytest.fixture
def put(root: str) -> Place:
    def put(name: str, content: bytes) -> str:
        address = f"{root}/{name}"
        with fsspec.open(address, "wb", auto_mkdir=True) as file:
            file.write(content)
        return address

    return put


def test_a_folder_per_person(root: str, put: Place) -> None:
    for name in ("ann/a.jpg", "ann/old/b.JPG", "bob/c.jpg", "ann/notes.txt", "loose.jpg"):
        put(name, name.encode())
    put("ann/.hidden.jpg", b"")
    found = read_source(root, JPEG)
    assert (found.count, found.left_out) == (3, 2)
    assert [(it.person, it.name) for it in found.items()] == [
        ("ann", "ann/a.jpg"),
        ("ann", "ann/old/b.JPG"),
        ("bob", "bob/c.jpg"),
    ]
    assert [read(it.address, most_bytes=99) for it in found.items()] == [
        b"ann/a.jpg",
        b"ann/old/b.JPG",
        b"bob/c.jpg",
    ]


def test_a_csv_list(put: Place) -> None:
    put("pictures/a.jpg", b"a")
    listing = put("list.csv", "﻿person,file,note\nänn,pictures/a.jpg,x\nbob,b.jpg,\n".encode())
    found = read_source(listing, JPEG)
    first, second = found.items()
    assert (found.count, first.person, first.name) == (2, "änn", "pictures/a.jpg")
    assert read(first.address, most_bytes=1) == b"a"
    with pytest.raises(OSError, match=r"b\.jpg|No such"):
        read(second.address, most_bytes=1)


def test_a_parquet_list_of_whole_addresses(put: Place) -> None:
    pictures = [put(f"{n}.jpg", bytes([n])) for n in range(3)]
    table = pa.table({"file": pictures, "note": ["", "", ""], "person": ["a", "b", "c"]})
    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink)
    found = read_source(put("list.parquet", sink.getvalue().to_pybytes()), JPEG)
    assert found.count == 3
    assert [read(it.address, most_bytes=1) for it in found.items()] == [b"\0", b"\1", b"\2"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("list.csv", b"person\nann\n", "no column file"),
        ("list.csv", b"person,file\nann,a.jpg\n,b.jpg\n", "line 3: person and file"),
        ("list.csv", b"person,file\n", "lists no files"),
        ("list.csv", b"\xff\xfe\xfa", "cannot be read as CSV"),
        ("list.parquet", b"PAR1 no", "cannot be read as Parquet"),
        ("list.txt", b"", r"ends in \.csv or \.parquet"),
    ],
)
def test_a_list_that_is_none_is_told_before_anything_is_done(
    put: Place, name: str, content: bytes, words: str
) -> None:
    with pytest.raises(InvalidParameter, match=words):
        read_source(put(name, content), JPEG)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("nowhere", "is not there"),
        ("memory://nowhere", "is not there"),
        ("nosuch://bucket/people", "cannot be opened"),
    ],
)
def test_what_is_nowhere_is_told(given: str, words: str) -> None:
    with pytest.raises(InvalidParameter, match=words):
        read_source(given, JPEG)


def test_a_folder_without_people_is_told(put: Place, root: str) -> None:
    put("loose.jpg", b"")
    with pytest.raises(InvalidParameter, match="no folder per person"):
        read_source(root, JPEG)


def test_a_file_larger_than_any_picture_is_not_held(put: Place) -> None:
    with pytest.raises(FileTooLarge):
        read(put("a.jpg", bytes(11)), most_bytes=10)


def test_a_path_is_made_whole_for_workers_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "people" / "ann").mkdir(parents=True)
    (tmp_path / "people" / "ann" / "a.jpg").touch()
    monkeypatch.chdir(tmp_path)
    whole = f"{tmp_path}/people/ann/a.jpg"
    assert list(read_source("people", JPEG).items()) == [Item("ann", "ann/a.jpg", whole)]


def test_parts_are_as_large_as_asked_for(put: Place, root: str) -> None:
    for n in range(5):
        put(f"ann/{n}.jpg", b"")
    assert list(map(len, read_source(root, JPEG).parts(2))) == [2, 2, 1]


def test_parquet_without_its_extra_is_told(put: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InvalidParameter, match=r"perse\[cluster\]"):
        read_source(put("list.parquet", b"PAR1"), JPEG)
