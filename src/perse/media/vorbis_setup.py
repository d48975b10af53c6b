"""What must be known of a Vorbis setup header (Vorbis I, 4.2.4) before it is decoded."""

from __future__ import annotations

import re
from collections.abc import Sequence

_MODE_BITS = 41
_MODE_ZEROS = (1 << 32) - 1
_MOST_MODES = 64
_LARGEST_SETUP_BYTES = 65_025
# Sync pattern, dimensions, entries (Vorbis I, 3.2.1); a false one must not hide the next.
_CODEBOOK = re.compile(rb"(?=BCV(..)(...))", re.DOTALL)
_CODEBOOK_BITS = 24
# The largest setup that libvorbis writes, six channels at best quality, has 88,000.
_MOST_CODEBOOK_VALUES = 200_000


def block_flags(setup: bytes) -> Sequence[int]:
    """Per mode whether its blocks are long. Raises ValueError when no modes are found.

    The modes stand at the end of a header that is otherwise long to read (Vorbis I, 4.2.4): six
    bits with their number less one; for each a bit for its block, 32 of zero and eight for its
    mapping; one bit that is set. So they are read from behind, as far as that fits.
    """
    bits = int.from_bytes(setup.rstrip(b"\0"), "little")
    start = bits.bit_length() - 1
    flags: list[int] = []
    found: list[int] = []
    while len(flags) < _MOST_MODES and start >= _MODE_BITS:
        start -= _MODE_BITS
        mode = bits >> start
        if mode >> 1 & _MODE_ZEROS:
            break
        flags.insert(0, mode & 1)
        if bits >> start - 6 & 63 == len(flags) - 1:
            found = list(flags)
    if not found:
        raise ValueError("no modes")
    return found


def refuse_giant_codebooks(setup: bytes) -> None:
    """A codebook of a dozen bytes can make the decoder fill 64 MB, and there may be 256 of them.

    One begins at any bit, so the header is looked at in its eight shifts. The decoder itself
    refuses those of more than 24 bits. Raises ValueError.
    """
    if len(setup) > _LARGEST_SETUP_BYTES:
        raise ValueError("giant setup")
    bits, values = int.from_bytes(setup, "little"), 0
    for shift in range(8):
        for book in _CODEBOOK.finditer((bits >> shift).to_bytes(len(setup), "little")):
            dimensions, entries = (int.from_bytes(field, "little") for field in book.groups())
            if dimensions.bit_length() + entries.bit_length() <= _CODEBOOK_BITS:
                values += max(1, dimensions) * entries
    if values > _MOST_CODEBOOK_VALUES:
        raise ValueError("giant codebooks")
