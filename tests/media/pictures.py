"""Pictures made for the tests, encoded in every way that matters."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from perse.domain.samples import Pixels

PORTRAITS = Path(__file__).parents[1] / "samples" / "portraits"
ORIENTATION = 0x0112
# Top, left, step down and step across of each pass.
ADAM7 = (
    (0, 0, 8, 8),
    (0, 4, 8, 8),
    (4, 0, 8, 4),
    (0, 2, 4, 4),
    (2, 0, 4, 2),
    (0, 1, 2, 2),
    (1, 0, 2, 1),
)


def drawn(width: int = 96, height: int = 64) -> Image.Image:
    """Smooth colours and no symmetry, so that every turn and every channel mix-up shows."""
    y, x = np.indices((height, width), dtype=np.float64)
    red, green = 255 * x / (width - 1), 255 * y / (height - 1)
    blue = 255 * (1 - x / (width - 1)) * y / (height - 1)
    picture = np.stack((red, green, blue), axis=2)
    picture[: height // 4, : width // 4] = (250, 20, 30)
    return Image.fromarray(picture.astype(np.uint8))


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    target = BytesIO()
    picture.save(target, kind, **options)
    return target.getvalue()


def oriented(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


def pixels_of(picture: Image.Image) -> Pixels:
    return np.asarray(picture.convert("RGB"))


def difference(first: Pixels, second: Pixels) -> float:
    """Mean distance in grey levels."""
    assert first.shape == second.shape
    return float(np.abs(first.astype(int) - second.astype(int)).mean())


def png(
    width: int,
    height: int,
    *,
    rows: bytes,
    depth: int = 8,
    colour: int = 0,
    interlace: int = 0,
    before: bytes = b"",
) -> bytes:
    """A PNG put together by hand; ``before``: chunks ahead of the picture data."""
    shape = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    data = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", shape) + before + data + chunk(b"IEND", b"")


def chunk(name: bytes, body: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(name + body))
    return struct.pack(">I", len(body)) + name + body + checksum


def interlaced_png(grey: Pixels) -> bytes:
    """Adam7: seven ever denser passes."""
    height, width = grey.shape
    rows = b""
    for top, left, down, across in ADAM7:
        for row in grey[top::down, left::across]:
            rows += b"\0" + row.tobytes() if row.size else b""
    return png(width, height, rows=rows, interlace=1)
