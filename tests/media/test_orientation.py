"""Pictures are turned as ``docs/orientation.md`` says, whatever way they say it."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis.strategies import binary, sampled_from
from PIL import ImageOps

from perse.domain.samples import Pixels
from perse.media.image_decoder import decode_image
from perse.media.orientation import orientation_of
from perse.media.png_texts import raw_exif
from tests.media.exif_files import LONG, PICTURES, PREFIX, SHORT, exif, jpeg, png, text
from tests.media.pictures import ORIENTATION, chunk, difference, drawn, pixels_of

TABLE = (Path(__file__).parents[2] / "docs" / "orientation.md").read_text()
ROW = re.compile(r"^\| (.+?) \|(?: [\d–]+ \|){4} (\d) \|$", re.MULTILINE)
DOCUMENTED = {name: int(ours) for name, ours in ROW.findall(TABLE)}


def upright(orientation: int) -> Pixels:
    picture = drawn()
    picture.getexif()[ORIENTATION] = orientation
    return pixels_of(ImageOps.exif_transpose(picture))


def test_the_table_lists_every_picture() -> None:
    assert list(DOCUMENTED) == list(PICTURES)


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_turned_as_the_table_says(name: str) -> None:
    turned = decode_image(PICTURES[name]).pixels
    assert difference(turned, upright(DOCUMENTED[name])) < 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", ["II", "MM"])
@pytest.mark.parametrize("kind", [SHORT, LONG])
def test_every_orientation_is_obeyed(orientation: int, order: str, kind: int) -> None:
    turned = decode_image(jpeg(PREFIX + exif(orientation, kind, order))).pixels
    assert difference(turned, upright(orientation)) < 3


@pytest.mark.parametrize("cut", range(0, 26))
def test_blocks_cut_off_anywhere_turn_nothing(cut: int) -> None:
    block = exif()
    whole = cut >= 20
    assert orientation_of([block[:cut]]) == (6 if whole else 1)
    assert orientation_of([block[:cut], exif(3)]) == (6 if whole else 3)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0",
        b"\0not packed",
        b"\0" + zlib.compress(b"\nexif\n 8\nnot hexadecimal"),
        b"\0" + zlib.compress(b"\nexif\n 8\n4949"),
        b"\0" + zlib.compress(b"\nexif\n 8\n49492"),
        b"\0" + zlib.compress(b"no lines"),
        b"\0" + zlib.compress(bytes(10_000_000)),
        b"\0" + zlib.compress(b"\nexif\n9\n" + b"00" * 10_000_000),
    ],
)
@pytest.mark.parametrize("name", [b"tEXt", b"zTXt", b"iTXt"])
def test_texts_that_hold_no_orientation_turn_nothing(name: bytes, body: bytes) -> None:
    picture = png(chunk(name, b"Raw profile type exif\0" + body))
    assert difference(decode_image(picture).pixels, upright(1)) == 0


def test_only_the_first_texts_are_unpacked() -> None:
    empty = text(b"")
    assert difference(decode_image(png(*[empty] * 3, text(exif()))).pixels, upright(6)) == 0
    assert difference(decode_image(png(*[empty] * 4, text(exif()))).pixels, upright(1)) == 0


@given(body=binary(max_size=200), name=sampled_from([b"tEXt", b"zTXt", b"iTXt"]))
def test_no_text_whatever_stops_a_picture(body: bytes, name: bytes) -> None:
    assert isinstance(raw_exif(name, b"Raw profile type exif\0" + body), bytes)


def test_other_texts_are_not_looked_at() -> None:
    other = text(exif()).replace(b"Raw profile type exif", b"Raw profile type exit")
    length = struct.unpack_from(">I", other)[0]
    assert (
        difference(decode_image(png(chunk(b"zTXt", other[8 : 8 + length]))).pixels, upright(1)) == 0
    )
