"""What a refused file is, so that the refusal can say so."""

from __future__ import annotations

_HEIC = frozenset({b"heic", b"heix", b"hevc", b"heim", b"heis", b"hevm", b"mif1", b"msf1"})
_BY_START = (
    (b"GIF8", "This is a GIF."),
    (b"BM", "This is a BMP."),
    (b"II*\0", "This is a TIFF or a camera's raw picture."),
    (b"MM\0*", "This is a TIFF or a camera's raw picture."),
    (b"PK\x03\x04", "This is a ZIP archive or an office document."),
    (b"%PDF", "This is a PDF."),
    (b"\0\0\0\x0cjP  ", "This is a JPEG 2000."),
    (b"\xff\x0a", "This is a JPEG XL."),
    (b"\0\0\0\x0cJXL ", "This is a JPEG XL."),
    (b"8BPS", "This is a Photoshop document."),
)
_LOOKED_AT_BYTES = 1024


def kind_of_file(data: bytes) -> str:
    """One sentence."""
    for start, sentence in _BY_START:
        if data.startswith(start):
            return sentence
    if data[4:8] == b"ftyp":
        return _kind_of_box_file(data[8:12])
    return _kind_of_text(data[:_LOOKED_AT_BYTES])


def _kind_of_box_file(brand: bytes) -> str:
    if brand in _HEIC:
        return "This is a HEIC picture: convert it to JPEG."
    if brand in (b"avif", b"avis"):
        return "This is an AVIF picture: convert it to JPEG."
    return "This is a film."


def _kind_of_text(start: bytes) -> str:
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in text:
        return "This is an SVG drawing."
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "This is a web page."
    if text.startswith(b"data:"):
        return "This is a data: URL, the picture as text."
    return "This is no picture that is known here."
