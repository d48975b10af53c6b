"""Smallest matrix profiles that a colour management module accepts, made by rule."""

from __future__ import annotations

import struct
from collections.abc import Sequence

_HEADER_BYTES = 128
_D50 = (0.9642, 1.0, 0.8249)

# Red, green and blue as XYZ relative to D50, the columns of each space's matrix.
DISPLAY_P3 = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))
SRGB = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))


def matrix_profile(
    primaries: tuple[tuple[float, ...], ...],
    *,
    name: str,
    gamma: float | None = None,
    curve: tuple[int, Sequence[float]] = (0, (1.0,)),
    table: Sequence[int] | None = None,
) -> bytes:
    """A display profile for RGB with one curve for all channels: a ``gamma``, a ``table`` of 16-bit
    values, or else a parametric ``curve`` (its function type and parameters)."""
    tags = {b"desc": _description(name), b"cprt": b"text" + bytes(4) + b"none\0"}
    tags[b"wtpt"] = _xyz(_D50)
    for letter, primary in zip("rgb", primaries, strict=True):
        tags[f"{letter}XYZ".encode()] = _xyz(primary)
        tags[f"{letter}TRC".encode()] = _curve(gamma, curve, table)
    return _assemble(tags)


def _curve(
    gamma: float | None, curve: tuple[int, Sequence[float]], table: Sequence[int] | None
) -> bytes:
    if table is not None:
        return b"curv" + bytes(4) + struct.pack(f">I{len(table)}H", len(table), *table)
    if gamma is not None:
        return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
    kind, parameters = curve
    values = struct.pack(f">{len(parameters)}i", *map(_fixed, parameters))
    return b"para" + bytes(4) + struct.pack(">HH", kind, 0) + values


def _assemble(tags: dict[bytes, bytes]) -> bytes:
    table, body = struct.pack(">I", len(tags)), b""
    start = _HEADER_BYTES + 4 + 12 * len(tags)
    for signature, content in tags.items():
        table += signature + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    size = start + len(body)
    header = struct.pack(">I4sI4s4s4s", size, b"", 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    header += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", *map(_fixed, _D50))
    return header + bytes(_HEADER_BYTES - len(header)) + table + body


def _description(name: str) -> bytes:
    text = name.encode("ascii") + b"\0"
    return b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78)


def _xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *map(_fixed, values))


def _fixed(value: float) -> int:
    return round(value * 65536)
