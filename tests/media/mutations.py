"""Random damage to good files: flipped bits, cuts, splices, repeated and foreign pieces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from PIL import Image

from tests.media.pictures import drawn, encoded, interlaced_png, oriented

_SIGNATURE_BYTES = 12
_HEAD_BYTES = 400
_TELLING_BYTES = np.array([0, 1, 2, 7, 0x10, 0x7F, 0x80, 0xC0, 0xFE, 0xFF])


def good_files() -> Mapping[str, bytes]:
    """One or more of every kind that is read."""
    picture = drawn()
    alpha = picture.convert("RGBA")
    alpha.putalpha(Image.linear_gradient("L").resize(picture.size))
    exif = oriented(6)
    return {
        "jpeg": encoded(picture, "JPEG", quality=80, exif=exif),
        "jpeg progressive": encoded(picture, "JPEG", quality=80, progressive=True),
        "jpeg cmyk": encoded(picture.convert("CMYK"), "JPEG"),
        "png": encoded(picture, exif=exif),
        "png palette": encoded(picture.quantize(32), transparency=3),
        "png interlaced": interlaced_png(np.asarray(picture.convert("L"))),
        "webp": encoded(picture, "WEBP", exif=exif),
        "webp lossless, alpha": encoded(alpha, "WEBP", lossless=True),
        "webp animated": encoded(picture, "WEBP", save_all=True, append_images=[alpha]),
    }


def mutations(
    data: bytes, count: int, seed: int, *, kept: int = _SIGNATURE_BYTES
) -> Iterator[bytes]:
    """``data`` with its first bytes ``kept``, so that the format's own reader sees what follows."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        damage = _DAMAGES[number % len(_DAMAGES)]
        yield data[:kept] + damage(bytearray(data[kept:]), rng)


def _flip_bits(body: bytearray, rng: np.random.Generator) -> bytes:
    for at in rng.integers(0, len(body), rng.integers(1, 9)):
        body[at] ^= 1 << int(rng.integers(8))
    return bytes(body)


def _change_head(body: bytearray, rng: np.random.Generator) -> bytes:
    for at in rng.integers(0, min(len(body), _HEAD_BYTES), rng.integers(1, 5)):
        body[at] = int(rng.choice(_TELLING_BYTES))
    return bytes(body)


def _cut(body: bytearray, rng: np.random.Generator) -> bytes:
    return bytes(body[: rng.integers(len(body))])


def _splice(body: bytearray, rng: np.random.Generator) -> bytes:
    start, end, target = sorted(rng.integers(0, len(body), 3).tolist())
    return bytes(body[:start] + body[end:target] + body[start:end] + body[target:])


def _repeat(body: bytearray, rng: np.random.Generator) -> bytes:
    start, end = sorted(rng.integers(0, len(body), 2).tolist())
    return bytes(body[:end] + body[start:end] * int(rng.integers(1, 20)) + body[end:])


def _fill(body: bytearray, rng: np.random.Generator) -> bytes:
    start, end = sorted(rng.integers(0, len(body), 2).tolist())
    return bytes(body[:start] + rng.bytes(end - start) + body[end:])


_DAMAGES = (_flip_bits, _change_head, _cut, _splice, _repeat, _fill)
