"""Pictures that say in many ways which way up they are; each is one of those in the table of
``docs/orientation.md``, under the same name."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from types import MappingProxyType

from tests.media.pictures import ORIENTATION, chunk, drawn, encoded

BYTE, ASCII, SHORT, LONG, RATIONAL, SBYTE, UNDEFINED, SSHORT, SLONG = range(1, 10)
PREFIX = b"Exif\0\0"
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
    b'syntax-ns#"><rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
    b'tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)
_ORDERS = {"II": "<", "MM": ">"}
_FORMS = {BYTE: "B", SHORT: "H", LONG: "I", SBYTE: "b", UNDEFINED: "B", SSHORT: "h", SLONG: "i"}
_JPEG = encoded(drawn(), "JPEG", quality=95)
_PNG = encoded(drawn())
_WEBP = encoded(drawn(), "WEBP", lossless=True)
_HEAD = 33


def exif(
    orientation: int = 6,
    kind: int = SHORT,
    order: str = "II",
    *,
    count: int = 1,
    raw: bytes | None = None,
    tag: int = ORIENTATION,
) -> bytes:
    """A block of one entry, without prefix; ``raw``: its value as it is."""
    mark = _ORDERS[order]
    value = raw if raw is not None else struct.pack(mark + _FORMS[kind], orientation)
    entry = struct.pack(mark + "HHI", tag, kind, count) + value.ljust(4, b"\0")[:4]
    return order.encode() + struct.pack(mark + "HIH", 42, 8, 1) + entry + bytes(4) + value[4:]


def jpeg(*bodies: bytes) -> bytes:
    """Each body as APP1."""
    segments = (b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body for body in bodies)
    return _JPEG[:2] + b"".join(segments) + _JPEG[2:]


def png(*chunks: bytes, after: bytes = b"") -> bytes:
    """``chunks`` before the picture data, ``after`` behind them."""
    return _PNG[:_HEAD] + b"".join(chunks) + _PNG[_HEAD:-12] + after + _PNG[-12:]


def webp(*chunks: tuple[bytes, bytes], flags: int | None = 0x08) -> bytes:
    """``flags`` None: without the header that announces further chunks."""
    size = (95).to_bytes(3, "little") + (63).to_bytes(3, "little")
    head = riff(b"VP8X", bytes((flags, 0, 0, 0)) + size) if flags is not None else b""
    return riff(b"RIFF", b"WEBP" + head + _WEBP[12:] + b"".join(riff(*each) for each in chunks))


def riff(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def digits(block: bytes) -> bytes:
    """A raw profile, as ImageMagick writes it."""
    text = block.hex()
    lines = "\n".join(text[at : at + 72] for at in range(0, len(text), 72))
    return f"\nexif\n{len(block):8d}\n{lines}\n".encode()


def text(
    block: bytes, chunk_name: str = "zTXt", *, key: str = "exif", packed: bool = True
) -> bytes:
    keyword = f"Raw profile type {key}".encode()
    written = digits(block)
    body = {
        "tEXt": written,
        "zTXt": b"\0" + zlib.compress(written),
        "iTXt": bytes((packed, 0)) + b"\0\0" + (zlib.compress(written) if packed else written),
    }[chunk_name]
    return chunk(chunk_name.encode(), keyword + b"\0" + body)


def _exif_chunk(block: bytes) -> bytes:
    return chunk(b"eXIf", block)


def _of_type(kind: int, order: str) -> bytes:
    return jpeg(PREFIX + exif(6, kind, order))


_WITHOUT_TAG = exif(9, tag=0x0100)
_BROKEN = b"II*\0\xff\xff\xff\xff"
_LONG = exif() + bytes(70_000)
_LATE = b"II*\0" + struct.pack("<I", 66_000) + bytes(65_992) + exif()[8:]
_THUMBNAIL = struct.pack("<HIHI", 42, 8, 0, 14) + exif()[8:]
_XMP_SEGMENT = b"http://ns.adobe.com/xap/1.0/\0" + XMP
_XMP_CHUNK = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)

# Every orientation that a file states is 6 unless the name says something else.
PICTURES: Mapping[str, bytes] = MappingProxyType(
    {
        "JPEG, SHORT, little-endian": _of_type(SHORT, "II"),
        "JPEG, SHORT, big-endian": _of_type(SHORT, "MM"),
        "JPEG, LONG, little-endian": _of_type(LONG, "II"),
        "JPEG, LONG, big-endian": _of_type(LONG, "MM"),
        "JPEG, BYTE, little-endian": _of_type(BYTE, "II"),
        "JPEG, BYTE, big-endian": _of_type(BYTE, "MM"),
        "JPEG, SSHORT, either": _of_type(SSHORT, "MM"),
        "JPEG, SLONG, little-endian": _of_type(SLONG, "II"),
        "JPEG, SLONG, big-endian": _of_type(SLONG, "MM"),
        "JPEG, SBYTE, little-endian": _of_type(SBYTE, "II"),
        "JPEG, SBYTE, big-endian": _of_type(SBYTE, "MM"),
        "JPEG, UNDEFINED, little-endian": _of_type(UNDEFINED, "II"),
        "JPEG, ASCII": jpeg(PREFIX + exif(kind=ASCII, count=2, raw=b"6\0")),
        "JPEG, RATIONAL": jpeg(
            PREFIX
            + exif(kind=RATIONAL, raw=struct.pack("<I", 26))[:-4]
            + struct.pack("<4x2I", 6, 1)
        ),
        "JPEG, two SHORTs, 6 and 1": jpeg(PREFIX + exif(count=2, raw=b"\6\0\1\0")),
        "JPEG, SHORT, count 0": jpeg(PREFIX + exif(count=0)),
        "JPEG, 0 or 9": jpeg(PREFIX + exif(9)),
        "JPEG, LONG of 65,542": jpeg(PREFIX + exif(65_542, LONG)),
        "JPEG, blocks of 6 and 3": jpeg(PREFIX + exif(6), PREFIX + exif(3)),
        "JPEG, blocks of 1 and 6": jpeg(PREFIX + exif(1), PREFIX + exif(6)),
        "JPEG, blocks of 9 and 6": jpeg(PREFIX + exif(9), PREFIX + exif(6)),
        "JPEG, an empty block first": jpeg(PREFIX, PREFIX + exif(6)),
        "JPEG, a block without the tag first": jpeg(PREFIX + _WITHOUT_TAG, PREFIX + exif(6)),
        "JPEG, a broken block first": jpeg(PREFIX + _BROKEN, PREFIX + exif(6)),
        "JPEG, a block over two segments": jpeg(PREFIX + _LONG[:65_000], PREFIX + _LONG[65_000:]),
        "JPEG, its directory in the second": jpeg(PREFIX + _LATE[:65_000], PREFIX + _LATE[65_000:]),
        "JPEG, `Exif\\0\\xff`": jpeg(b"Exif\0\xff" + exif()),
        "JPEG, `EXIF\\0\\0`": jpeg(b"EXIF\0\0" + exif()),
        "JPEG, no prefix": jpeg(exif()),
        "JPEG, only of the thumbnail": jpeg(PREFIX + b"II" + _THUMBNAIL),
        "JPEG, a directory cut off behind it": jpeg(
            PREFIX + exif().replace(b"\x01\0\x12\x01", b"\x32\0\x12\x01")
        ),
        "JPEG, XMP alone": jpeg(_XMP_SEGMENT),
        "JPEG, XMP beside EXIF of 1": jpeg(PREFIX + exif(1), _XMP_SEGMENT),
        "PNG, eXIf": png(_exif_chunk(exif())),
        "PNG, eXIf, LONG": png(_exif_chunk(exif(kind=LONG))),
        "PNG, eXIf with prefix": png(_exif_chunk(PREFIX + exif())),
        "PNG, eXIf behind the picture": png(after=_exif_chunk(exif())),
        "PNG, eXIf of 6 and 3": png(_exif_chunk(exif(6)), _exif_chunk(exif(3))),
        "PNG, zTXt `Raw profile type exif`": png(text(PREFIX + exif())),
        "PNG, the same as tEXt": png(text(PREFIX + exif(), "tEXt")),
        "PNG, the same as iTXt": png(text(PREFIX + exif(), "iTXt", packed=False)),
        "PNG, the same as packed iTXt": png(text(PREFIX + exif(), "iTXt")),
        "PNG, the same behind the picture": png(after=text(PREFIX + exif())),
        "PNG, the same without prefix": png(text(exif())),
        "PNG, zTXt `Raw profile type APP1`": png(text(PREFIX + exif(), key="APP1")),
        "PNG, raw profile of 3, then eXIf of 6": png(text(exif(3)), _exif_chunk(exif(6))),
        "PNG, eXIf without the tag, raw profile": png(_exif_chunk(_WITHOUT_TAG), text(exif())),
        "PNG, XMP alone": png(_XMP_CHUNK),
        "WebP, EXIF": webp((b"EXIF", exif())),
        "WebP, EXIF, LONG": webp((b"EXIF", exif(kind=LONG))),
        "WebP, EXIF with prefix": webp((b"EXIF", PREFIX + exif())),
        "WebP, EXIF of 6 and 3": webp((b"EXIF", exif(6)), (b"EXIF", exif(3))),
        "WebP, EXIF not announced": webp((b"EXIF", exif()), flags=0),
        "WebP, EXIF without VP8X": webp((b"EXIF", exif()), flags=None),
        "WebP, XMP alone": webp((b"XMP ", XMP), flags=0x04),
    }
)
