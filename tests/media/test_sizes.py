"""What a file will cost, told by a quick look; and files that cost much and hold nothing."""

from __future__ import annotations

import time

import pytest
from PIL import Image

from perse.errors import InvalidFileType
from perse.media.audio_length import AudioLength, measure_audio
from perse.media.image_decoder import ImageLimits, ImageSize, decode_image, measure_image
from tests.media.pictures import PORTRAITS, drawn, encoded
from tests.media.recordings import encoded as recording
from tests.media.recordings import tone

LARGE = (2000, 3000)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
    ],
)
def test_the_size_is_told_without_decoding(kind: str, options: dict[str, bool]) -> None:
    size = measure_image(encoded(drawn(300, 200), kind, **options))
    assert size.pixels == 60_000
    assert size.scanned >= size.pixels
    assert (size.scanned > size.pixels) == ("progressive" in options)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xda",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF1234WEBPVP8 ",
        b"GIF89a",
    ],
)
def test_what_is_no_picture_has_no_size(data: bytes) -> None:
    assert measure_image(data) == ImageSize()


def test_a_file_of_a_hundred_thousand_pieces_is_measured_at_once() -> None:
    png = encoded(drawn())
    pieces = png[:33] + b"\0\0\0\0teXt\0\0\0\0" * 80_000 + png[33:]
    webp = encoded(drawn(), "WEBP") + b"JUNK\0\0\0\0" * 100_000
    for data in (png, pieces, webp):
        began = time.thread_time()
        assert measure_image(data).pixels == 96 * 64
        assert time.thread_time() - began < 0.02


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("lossless WebP", encoded(Image.new("RGB", LARGE), "WEBP", lossless=True)),
        ("grey PNG", encoded(Image.new("L", LARGE))),
        ("PNG of 1 bit", encoded(Image.new("1", LARGE))),
        ("PNG with a palette", encoded(Image.new("P", LARGE))),
    ],
)
def test_a_large_file_of_nothing_is_refused_before_it_is_decoded(name: str, data: bytes) -> None:
    assert measure_image(data) == ImageSize()
    with pytest.raises(InvalidFileType, match=r"next to nothing: \d+ bytes for 6.0 megapixels"):
        decode_image(data)


def test_a_small_file_whose_last_scan_is_repeated_is_refused() -> None:
    data = encoded(Image.new("RGB", (1000, 2000)), "JPEG", quality=20, progressive=True)
    start = data.rindex(b"\xff\xda")
    table = data.rindex(b"\xff\xc4", 0, start)
    bomb = data[:-2] + data[table:-2] * 200 + data[-2:]
    assert decode_image(data).height_px == 2000
    with pytest.raises(InvalidFileType, match="too many scans"):
        decode_image(bomb)


@pytest.mark.parametrize("progressive", [False, True])
def test_nothing_is_looked_at_but_the_head(progressive: bool) -> None:
    data = encoded(drawn(), "JPEG", progressive=progressive)
    head_bytes = data.index(b"\xff\xda") + 16
    other = data[:head_bytes] + b"\xff\xda" * ((len(data) - head_bytes) // 2)
    assert measure_image(other.ljust(len(data))) == measure_image(data)


def test_a_megabyte_of_fill_bytes_is_measured_as_fast_as_any_other() -> None:
    """Each may be the first of those that precede a marker: whoever tries them all in turn needs
    hours."""
    start, rest = encoded(drawn(), "JPEG")[:2], encoded(drawn(), "JPEG")[2:]
    filled = start + b"\xff" * 1_000_000
    assert measure_image(filled) == ImageSize()
    with pytest.raises(InvalidFileType, match="damaged"):
        decode_image(filled)
    assert decode_image(start + b"\xff" * 60_000 + rest).width_px == 96
    assert measure_image(start + b"\xff" * 60_000 + rest).pixels == 96 * 64


def test_the_rule_counts_the_bytes_of_the_file() -> None:
    data = encoded(Image.new("RGB", (300, 200)), "WEBP", lossless=True)
    least = ImageLimits(free_pixels=60_000 - 250 * len(data))
    assert decode_image(data, least).width_px == 300
    with pytest.raises(InvalidFileType, match="next to nothing"):
        decode_image(data, ImageLimits(free_pixels=60_000 - 250 * len(data) - 1))


def test_a_picture_of_one_colour_passes_as_large_as_a_screen() -> None:
    for kind in ("PNG", "WEBP", "JPEG"):
        assert decode_image(encoded(Image.new("RGB", (1920, 1040)), kind)).width_px == 1920


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {"quality": 10, "progressive": True, "optimize": True}),
        ("WEBP", {"quality": 5}),
        ("WEBP", {"quality": 50}),
    ],
)
def test_a_photograph_passes_however_badly_it_was_saved(
    kind: str, options: dict[str, object]
) -> None:
    with Image.open(PORTRAITS / "obama_2012.jpg") as portrait:
        large = portrait.convert("RGB").resize((3000, 4000))
    data = encoded(large, kind, **options)
    assert measure_image(data).pixels == 12_000_000
    assert 12_000_000 / len(data) < 250 / 2


@pytest.mark.parametrize(
    ("kind", "subtype"),
    [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAV", "ALAW"), ("OGG", "VORBIS"), ("OGG", "OPUS")],
)
def test_the_length_of_a_recording_is_told_by_its_head(kind: str, subtype: str) -> None:
    data = recording(tone(300, seconds=5), kind=kind, subtype=subtype)
    length = measure_audio(data)
    assert length.told_s == pytest.approx(5, abs=0.1)
    assert length.most_s + 0.01 >= 5


@pytest.mark.parametrize(
    "data", [b"", b"RIFF", b"RIFF\0\0\0\0WAVE" + bytes(40), b"OggS" + b"\xff" * 100]
)
def test_a_recording_that_lies_is_no_longer_than_its_bytes_can_be(data: bytes) -> None:
    length = measure_audio(data)
    assert 0 <= length.told_s <= length.most_s <= len(data) / 1000


def test_no_recording_is_longer_than_decoding_goes_on() -> None:
    assert measure_audio(bytes(10_000_000), longest_s=60) == AudioLength(60, 60)
