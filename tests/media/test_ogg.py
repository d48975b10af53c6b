"""Whatever a writer, a browser or a cable did to an Ogg file, all of its sound is heard."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from perse.errors import FileTooLarge, InvalidFileType
from perse.media.audio_decoder import RATE_HZ, AudioLimits, decode_audio
from perse.media.ogg import ogg_parts
from tests.media.ogg_files import (
    changed,
    giant_codebooks,
    page,
    pages,
    position_of,
    repositioned,
    serial_of,
)
from tests.media.recordings import encoded, strongest_hz, tone

KINDS = ("OPUS", "VORBIS")
SOUND = np.random.default_rng(5).normal(0, 0.1, 5 * RATE_HZ)
OGG = {kind: encoded(SOUND, RATE_HZ, "OGG", kind) for kind in KINDS}
SKELETON = b"fishead\0" + bytes(56)


def heard(data: bytes) -> int:
    return len(decode_audio(data).samples)


def ogg(hz: float, kind: str, rate_hz: int = RATE_HZ, channels: int = 1) -> bytes:
    """One second."""
    sound = np.tile(tone(hz, rate_hz=rate_hz)[:, np.newaxis], (1, channels))
    return encoded(sound, rate_hz, "OGG", kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_a_good_file_loses_and_gains_nothing_by_being_written_again(
    kind: str, channels: int
) -> None:
    sound = np.stack([SOUND] * channels, axis=1)
    good = encoded(sound, 48_000, "OGG", kind)
    (again,) = ogg_parts(good, enough_s=60)
    (twice,) = ogg_parts(again, enough_s=60)
    assert again == twice
    assert position_of(pages(again)[-1]) == position_of(pages(good)[-1])
    assert decode_audio(good).duration_s == pytest.approx(len(SOUND) / 48_000, abs=1e-4)


@pytest.mark.parametrize("first", KINDS)
@pytest.mark.parametrize("second", KINDS)
def test_every_link_of_a_chain_is_heard_whatever_its_rate_and_channels(
    first: str, second: str
) -> None:
    links = (ogg(440, first), ogg(1000, second, 48_000, 2), ogg(3000, first, 8_000, 1))
    sample = decode_audio(b"".join(links))
    assert len(sample.samples) == 3 * RATE_HZ
    for link, hz in enumerate((440, 1000, 3000)):
        second_of_it = sample.samples[link * RATE_HZ :][1000 : RATE_HZ - 1000]
        assert strongest_hz(second_of_it, RATE_HZ) == pytest.approx(hz, abs=3)


@pytest.mark.parametrize("kind", KINDS)
def test_links_of_one_serial_number_are_links(kind: str) -> None:
    assert heard(OGG[kind] * 3) == 3 * len(SOUND)


@pytest.mark.parametrize("kind", KINDS)
def test_links_without_sound_are_passed_over(kind: str) -> None:
    headers = b"".join(pages(OGG[kind])[:2])
    begun = pages(OGG[kind])[0]
    assert heard(headers + OGG[kind] + begun) == len(SOUND)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("by", [-1, 1, -100, 5000, 10**15, -(10**9)])
@pytest.mark.parametrize("at", [2, -2])
def test_positions_are_counted_and_not_believed(kind: str, by: int, at: int) -> None:
    was = position_of(pages(OGG[kind])[at])
    assert heard(repositioned(OGG[kind], {at: was + by})) == pytest.approx(len(SOUND), abs=200)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("position", [-1, 0, 10**15])
def test_positions_may_all_be_missing(kind: str, position: int) -> None:
    every = range(2, len(pages(OGG[kind])))
    lost = repositioned(OGG[kind], dict.fromkeys(every, position))
    assert heard(lost) == pytest.approx(len(SOUND), abs=300)


@pytest.mark.parametrize("kind", KINDS)
def test_recordings_cut_out_of_a_longer_stream_start_late(kind: str) -> None:
    late = {
        number: position_of(each) + 480_000
        for number, each in enumerate(pages(OGG[kind]))
        if number > 1
    }
    assert heard(repositioned(OGG[kind], late)) == len(SOUND)


def test_the_last_page_may_end_early() -> None:
    last = position_of(pages(OGG["OPUS"])[-1])
    shorter = repositioned(OGG["OPUS"], {-1: last - 3 * 4_000})
    assert heard(shorter) == len(SOUND) - 4_000


@pytest.mark.parametrize("kind", KINDS)
def test_the_mark_of_the_end_may_be_missing_or_early(kind: str) -> None:
    *others, last = pages(OGG[kind])
    assert heard(b"".join((*others, changed(last, flags=0)))) == len(SOUND)
    early = [*others[:2], changed(others[2], flags=4), *others[3:], last]
    assert heard(b"".join(early)) == len(SOUND)


@pytest.mark.parametrize("kind", KINDS)
def test_whole_pages_of_a_cut_or_damaged_file_are_heard(kind: str) -> None:
    found = pages(OGG[kind])
    without_last = heard(b"".join(found[:-1]))
    assert len(SOUND) / 2 < without_last < len(SOUND)
    assert heard(OGG[kind][:-1]) == without_last
    flipped = bytearray(OGG[kind])
    flipped[len(b"".join(found[:2])) + 300] ^= 1
    assert 0 < heard(bytes(flipped)) < len(SOUND)
    assert heard(found[0] + b"OggS nothing" * 9 + b"".join(found[1:])) == len(SOUND)


def with_comments_of(*pieces: bytes) -> bytes:
    """A piece a page: a cover, say, is longer than a page can be."""
    first, _, *sound = pages(OGG["OPUS"])
    last = len(pieces) - 1
    comments = [
        page(min(at, 1), at + 1, piece, serial=serial_of(first), goes_on=at < last)
        for at, piece in enumerate(pieces)
    ]
    return b"".join((first, *comments, *sound))


def test_comments_are_passed_over_however_long() -> None:
    cover = bytes(255 * 200)
    assert heard(with_comments_of(b"OpusTags" + bytes(247), cover, cover, b"end")) == len(SOUND)


def test_what_is_left_of_a_packet_without_its_page_is_left_out() -> None:
    first, tags, *sound = pages(OGG["OPUS"])
    serial = serial_of(first)
    torn = page(1, 90, b"the end of a packet", serial=serial)
    begun = page(0, 91, bytes(255), serial=serial, goes_on=True)
    assert heard(b"".join((first, tags, torn, begun, *sound))) == len(SOUND)


def test_a_skeleton_beside_the_sound_does_not_matter() -> None:
    first, *others = pages(OGG["VORBIS"])
    skeleton = page(2, 0, SKELETON, serial=9)
    end = page(4, 1, b"", serial=9)
    assert heard(skeleton + first + end + b"".join(others)) == len(SOUND)
    assert heard(first + skeleton + others[0] + end + b"".join(others[1:])) == len(SOUND)


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"Speex   1.2.1", "Speex sound"),
        (b"\x7fFLAC\x01\0\0\x01fLaC", "FLAC sound"),
        (b"\x80theora\x03", "Theora video"),
        (b"OVP80\x01", "VP8 video"),
        (b"hello", "an unknown stream"),
    ],
)
def test_other_streams_are_refused_by_name(start: bytes, name: str) -> None:
    stream = page(2, 0, start + bytes(60))
    with pytest.raises(InvalidFileType, match=f"^This OGG file holds {name}. Send a WAV"):
        decode_audio(stream)
    with pytest.raises(InvalidFileType, match=f"holds {name}. Send a WAV"):
        decode_audio(OGG["OPUS"] + stream)
    with pytest.raises(InvalidFileType, match=f"{name} and Opus sound, and not one stream") as both:
        decode_audio(stream + OGG["OPUS"])
    assert "OGG file (Vorbis or Opus)" in both.value.message


def test_two_recordings_at_once_are_refused() -> None:
    (first, *others), (second, *more) = pages(OGG["OPUS"]), pages(OGG["VORBIS"])
    with pytest.raises(InvalidFileType, match="Opus sound and Vorbis sound, and not one"):
        decode_audio(b"".join((first, second, *others, *more)))


def test_limits_hold_over_the_whole_chain() -> None:
    link = ogg(440, "OPUS")
    limits = AudioLimits(max_duration_s=3, max_parts=4)
    assert decode_audio(link * 3, limits).duration_s == 3
    with pytest.raises(FileTooLarge, match="longer than the limit of 3 s"):
        decode_audio(link * 4, limits)
    with pytest.raises(FileTooLarge, match="More than 2 recordings are joined"):
        decode_audio(link * 3, AudioLimits(max_parts=2))
    with pytest.raises(FileTooLarge, match="channels"):
        decode_audio(link * 3, AudioLimits(max_values=2 * RATE_HZ))


def test_headers_that_come_again_are_passed_over() -> None:
    first, headers, *sound = pages(OGG["VORBIS"])
    again = page(0, 70, b"\x03vorbis" + bytes(8) + b"\x01", serial=serial_of(first))
    assert heard(b"".join((first, headers, sound[0], again, *sound[1:]))) == len(SOUND)


def test_an_opus_header_that_leaves_out_much_hides_nothing_from_the_limit() -> None:
    """What the decoder leaves out at the beginning must not make a long recording short."""
    first, *others = pages(encoded(np.zeros(5 * 48_000), 48_000, "OGG", "OPUS"))
    head = bytearray(first[28:])
    struct.pack_into("<H", head, 10, 0xFFFF)
    late = page(2, 0, bytes(head), serial=serial_of(first)) + b"".join(others)
    assert decode_audio(late).duration_s == pytest.approx(5 - 65_535 / 48_000, abs=0.1)
    with pytest.raises(FileTooLarge, match="longer than the limit of 3 s"):
        decode_audio(late, AudioLimits(max_duration_s=3))


def test_a_false_codebook_hides_no_true_one() -> None:
    identification = pages(OGG["VORBIS"])[0][28:]
    setup = giant_codebooks(1)
    hidden = setup[:8] + b"BCV" + setup[8:]
    headers = page(2, 0, identification) + page(0, 1, b"\x03vorbis", hidden)
    with pytest.raises(ValueError, match="giant codebooks"):
        list(ogg_parts(headers + page(4, 2, bytes(2)), enough_s=60))


@pytest.mark.parametrize("books", [1, 255])
def test_codebooks_that_would_fill_the_memory_are_refused(books: int) -> None:
    identification = pages(OGG["VORBIS"])[0][28:]
    setup = giant_codebooks(books)
    headers = page(2, 0, identification) + page(0, 1, b"\x03vorbis", setup)
    with pytest.raises(ValueError, match="giant codebooks"):
        list(ogg_parts(headers + page(4, 2, bytes(2)), enough_s=60))


def test_hours_in_small_packets_are_too_long_and_not_damaged() -> None:
    first, tags, *_ = pages(OGG["OPUS"])
    serial = serial_of(first)
    second = page(0, 2, *[b"\x08"] * 50, serial=serial)
    with pytest.raises(FileTooLarge, match="longer than the limit of 120 s"):
        decode_audio(first + tags + second * 1800)
    with pytest.raises(FileTooLarge, match="too many pieces: send a shorter one"):
        decode_audio(first + tags + second * 10_800)


def test_damage_has_an_end() -> None:
    with pytest.raises(InvalidFileType, match="damaged"):
        decode_audio(OGG["OPUS"] + b"OggS" * 2_000)


def test_clipping_is_counted_over_the_whole_chain() -> None:
    loud = encoded(np.clip(tone(300, peak=9), -1, 1), RATE_HZ)
    share = decode_audio(loud).clipped_share
    assert decode_audio(loud + encoded(tone(300), RATE_HZ)).clipped_share == pytest.approx(
        share / 2
    )
