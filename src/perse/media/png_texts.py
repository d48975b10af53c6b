"""Texts of PNG (W3C PNG, third edition, 11.3.3) that hold EXIF.

So ImageMagick kept it before PNG had a place for it: a line with a name, a line with a length,
then hexadecimal digits.
"""

from __future__ import annotations

import re
import zlib

_KEYWORD = re.compile(rb"Raw profile type (exif|APP1)\0")
_NO_DIGIT = re.compile(rb"[^0-9a-fA-F]")
# The orientation stands at the beginning; what follows may be as long as it likes.
_MOST_BYTES = 150_000


def is_raw_exif(chunk: bytes, body: bytes) -> bool:
    """By the kind of chunk and the keyword that its body begins with."""
    return chunk in (b"tEXt", b"zTXt", b"iTXt") and _KEYWORD.match(body) is not None


def raw_exif(chunk: bytes, body: bytes) -> bytes:
    """The first 64 KiB or so of what the digits say; b"" where they say nothing."""
    _, _, digits = _text(chunk, body).lstrip(b"\n").partition(b"\n")
    _, _, digits = digits.partition(b"\n")
    written = _NO_DIGIT.sub(b"", digits).decode("ascii")
    return bytes.fromhex(written[: len(written) // 2 * 2])


def _text(chunk: bytes, body: bytes) -> bytes:
    _, _, text = body.partition(b"\0")
    packed = chunk == b"zTXt"
    if chunk == b"iTXt":
        # Whether it is packed, how, a language, the keyword in that language.
        packed, text = text[:1] == b"\1", text[2:].split(b"\0", 2)[-1]
    elif packed:
        text = text[1:]
    return inflated(text, _MOST_BYTES) or b"" if packed else text[:_MOST_BYTES]


def inflated(packed: bytes, most_bytes: int) -> bytes | None:
    """At most so many bytes; None when it does not inflate."""
    try:
        return zlib.decompressobj().decompress(packed, most_bytes)
    except zlib.error:
        return None
