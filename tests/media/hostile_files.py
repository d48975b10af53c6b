"""Broken and hostile files, made by rule; ``python -m tests.media.hostile_files`` writes them to
``tests/samples/hostile``, each with the code that answers it in ``expected.tsv``."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from PIL import Image

from tests.media.pictures import chunk, drawn, encoded, png

FOLDER = Path(__file__).parents[1] / "samples" / "hostile"
INVALID, TOO_LARGE, EMPTY, FINE = "invalid_file_type", "file_too_large", "empty_file", "ok"

_JPEG = encoded(drawn(), "JPEG", quality=85)
_PNG = encoded(drawn())
_WEBP = encoded(drawn(), "WEBP")
_ROW = b"\0" + bytes(8)
_FRAME = _JPEG.index(b"\xff\xc0")


def files() -> Mapping[str, tuple[bytes, str]]:
    """Name -> content and error code ("ok": it must be decoded)."""
    return {**_not_pictures(), **_giants(), **_damaged(), **_loaded_with_metadata()}


def _not_pictures() -> dict[str, tuple[bytes, str]]:
    contents = {
        "zip.jpg": _archive(),
        "svg.png": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
        "page.jpg": b"<!DOCTYPE html><html><body onload=alert(1)></body></html>",
        "gif.jpg": encoded(drawn(), "GIF"),
        "bmp.jpg": encoded(drawn(8, 8), "BMP"),
        "tiff.jpg": encoded(drawn(8, 8), "TIFF"),
        "heic.jpg": struct.pack(">I4s4sI4s", 20, b"ftyp", b"heic", 0, b"mif1") + bytes(64),
        "avif.jpg": struct.pack(">I4s4sI", 16, b"ftyp", b"avif", 0) + bytes(64),
        "film.jpg": struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0) + bytes(64),
        "pdf.jpg": b"%PDF-1.7\n%%EOF",
        "data-url.jpg": b"data:image/jpeg;base64,/9j/4AAQSkZJRg==",
        "zeros.jpg": bytes(2048),
        "text.png": b"not a picture at all",
        "one-byte.jpg": b"\xff",
    }
    return {name: (content, INVALID) for name, content in contents.items()} | {
        "empty.jpg": (b"", EMPTY)
    }


def _giants() -> dict[str, tuple[bytes, str]]:
    """A few bytes that claim, or inflate to, more pixels than anybody may send."""
    jpeg = bytearray(_JPEG)
    jpeg[_FRAME + 5 : _FRAME + 9] = b"\xff\xff\xff\xff"
    extended = struct.pack("<4sII", b"VP8X", 10, 0) + b"\xff\xff\xff" * 2
    giants = {
        "giant.jpg": bytes(jpeg),
        "giant.png": png(100_000, 100_000, rows=b""),
        "largest.png": png(2**31 - 1, 2**31 - 1, rows=b""),
        "deflated.png": png(30_000, 30_000, rows=bytes(2_000_000), depth=1),
        "giant.webp": b"RIFF" + struct.pack("<I", 4 + len(extended)) + b"WEBP" + extended,
    }
    return {name: (content, TOO_LARGE) for name, content in giants.items()}


def _damaged() -> dict[str, tuple[bytes, str]]:
    flipped = bytearray(_PNG)
    flipped[len(_PNG) // 2] ^= 0xFF
    no_size = bytearray(_JPEG)
    no_size[_FRAME + 5 : _FRAME + 9] = bytes(4)
    arithmetic = _JPEG.replace(b"\xff\xc0", b"\xff\xc9", 1)
    damaged = {
        "cut.jpg": _JPEG[: len(_JPEG) // 2],
        "cut.png": _PNG[: len(_PNG) // 2],
        "cut.webp": _WEBP[: len(_WEBP) // 2],
        "header-only.jpg": _JPEG[:20],
        "header-only.png": _PNG[:33],
        "header-only.webp": _WEBP[:20],
        "start-only.jpg": b"\xff\xd8\xff",
        "flipped.png": bytes(flipped),
        "no-size.jpg": bytes(no_size),
        "no-size.png": png(0, 0, rows=b""),
        "no-data.png": png(8, 8, rows=b""),
        "bad-depth.png": png(8, 8, rows=_ROW * 8, depth=7),
        "no-palette.png": png(8, 8, rows=_ROW * 8, colour=3),
        "arithmetic.jpg": arithmetic,
        "markers-without-end.jpg": b"\xff\xd8" + b"\xff\xe0\x00\x02" * 5000,
        "jpeg-inside-png.png": b"\x89PNG\r\n\x1a\n" + _JPEG,
    }
    return {name: (content, INVALID) for name, content in damaged.items()} | {
        "no-end-marker.jpg": (_JPEG[:-2], FINE),
        # Its stream is whole but holds too few rows: the rest is black.
        "short-data.png": (png(8, 8, rows=_ROW * 3), FINE),
    }


def _loaded_with_metadata() -> dict[str, tuple[bytes, str]]:
    """Good pictures whose metadata are a trap. None of it is read, so they are decoded."""
    bomb = zlib.compress(bytes(60_000_000), 9)
    rows = _ROW * 8
    text = chunk(b"zTXt", b"Comment\0\0" + bomb)
    profile = chunk(b"iCCP", b"x\0\0" + bomb)
    broken_exif = b"Exif\0\0II*\0\xff\xff\xff\xff" + b"\xff" * 200
    circular = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12\0\3\0\0\0\1\0\x63\0\0" * 9
    animation = chunk(b"acTL", struct.pack(">II", 2**31, 0))
    loaded = {
        "text-bomb.png": png(8, 8, rows=rows, before=text),
        "profile-bomb.png": png(8, 8, rows=rows, before=profile),
        "broken-animation.png": png(8, 8, rows=rows, before=animation),
        "broken-exif.jpg": encoded(drawn(), "JPEG", exif=broken_exif),
        "odd-orientation.jpg": encoded(drawn(), "JPEG", exif=circular),
        "broken-mpo.jpg": _with_segment(0xE2, b"MPF\0II*\0\x08\0\0\0\xff\xff" + bytes(40)),
        "long-exif.jpg": _with_segment(0xE1, b"Exif\0\0MM\0*" + b"\x7f" * 60_000),
        "broken-profile.jpg": encoded(drawn(), "JPEG", icc_profile=b"\xff" * 70_000),
    }
    return {name: (content, FINE) for name, content in loaded.items()}


def _with_segment(marker: int, body: bytes) -> bytes:
    segment = struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body
    return _JPEG[:2] + segment + _JPEG[2:]


def _archive() -> bytes:
    target = BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(zipfile.ZipInfo("portrait.jpg"), _JPEG)
    return target.getvalue()


def write() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, (content, _) in files().items():
        (FOLDER / name).write_bytes(content)
    lines = [f"{name}\t{code}\n" for name, (_, code) in sorted(files().items())]
    (FOLDER / "expected.tsv").write_text("".join(lines))


if __name__ == "__main__":
    Image.init()
    write()
