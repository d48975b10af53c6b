"""Whatever a header says, all samples of a WAV file are heard, and nothing else."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from perse.errors import InvalidFileType
from perse.media.audio_decoder import RATE_HZ, decode_audio
from perse.media.wav import wav_parts
from tests.media.recordings import encoded, strongest_hz, tone, with_lengths

SOUND = tone(440)
WAV = encoded(SOUND)
SAMPLES = WAV[44:]
METADATA = b"LIST\x0c\0\0\0INFOICMT\0\0\0\0"


def heard(data: bytes) -> int:
    return len(decode_audio(data).samples)


def chunk(name: bytes, body: bytes, *, padded: bool = True) -> bytes:
    return struct.pack("<4sI", name, len(body)) + body + bytes(len(body) % 2 if padded else 0)


def wav(*chunks: bytes, bits: int = 16, tag: int = 1) -> bytes:
    form = struct.pack("<HHIIHH", tag, 1, RATE_HZ, RATE_HZ * bits // 8, bits // 8, bits)
    body = b"WAVE" + chunk(b"fmt ", form) + b"".join(chunks)
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def test_a_good_file_is_handed_on_as_it_is() -> None:
    assert list(wav_parts(WAV)) == [WAV]


@pytest.mark.parametrize("length", [2, 4096, 16_000])
@pytest.mark.parametrize("after", [b"", METADATA, METADATA + chunk(b"id3 ", bytes(9))])
def test_a_header_of_the_first_piece_alone_hides_nothing(length: int, after: bytes) -> None:
    """Recorders that send pieces write the header with the first one."""
    streamed = with_lengths(WAV, riff=36 + length, data=length) + after
    assert heard(streamed) == len(SOUND)


@pytest.mark.parametrize("length", [0, 0xFFFFFFFF, 0x7FFFFFFF, len(SAMPLES) + len(METADATA)])
def test_metadata_after_samples_of_unknown_length_are_no_samples(length: int) -> None:
    assert heard(with_lengths(WAV, riff=length, data=length) + METADATA) == len(SOUND)


@pytest.mark.parametrize(
    "after",
    [METADATA, METADATA[:15], chunk(b"ABCD", b"whatever"), chunk(b"ABCD", b"odd") + METADATA],
)
def test_chunks_after_the_samples_are_no_samples(after: bytes) -> None:
    assert heard(WAV + after) == len(SOUND)


def test_samples_that_look_like_a_chunk_are_samples() -> None:
    """A name alone, of a chunk that ends nowhere."""
    looks_like_one = SAMPLES[:4000] + b"ABCDzzzz" + SAMPLES[4008:]
    streamed = with_lengths(WAV[:44], data=4000) + looks_like_one
    assert heard(streamed) == len(SOUND)


@pytest.mark.parametrize("lengths", [{}, {"riff": 0, "data": 0}, {"data": 0xFFFFFFFF}])
def test_files_joined_end_to_end_are_heard_one_after_the_other(lengths: dict[str, int]) -> None:
    stereo = np.stack([tone(3000, rate_hz=48_000)] * 2, axis=1)
    parts = (WAV, encoded(tone(1000, rate_hz=8_000), 8_000), encoded(stereo, 48_000))
    sample = decode_audio(b"".join(with_lengths(part, **lengths) for part in parts))
    assert len(sample.samples) == 3 * RATE_HZ
    for part, hz in enumerate((440, 1000, 3000)):
        second_of_it = sample.samples[part * RATE_HZ :][1000 : RATE_HZ - 1000]
        assert strongest_hz(second_of_it, RATE_HZ) == pytest.approx(hz, abs=3)


def test_metadata_may_stand_between_joined_files() -> None:
    assert heard(WAV + METADATA + WAV) == 2 * len(SOUND)


def test_every_chunk_of_samples_is_heard() -> None:
    half = len(SAMPLES) // 2
    pieces = chunk(b"data", SAMPLES[:half]), METADATA, chunk(b"data", SAMPLES[half:])
    np.testing.assert_array_equal(decode_audio(wav(*pieces)).samples, decode_audio(WAV).samples)


@pytest.mark.parametrize("padded", [True, False])
def test_padding_after_a_chunk_of_odd_size_may_be_forgotten(padded: bool) -> None:
    comment = chunk(b"JUNK", b"odd", padded=padded)
    assert heard(wav(comment, chunk(b"data", SAMPLES))) == len(SOUND)
    odd = chunk(b"data", bytes(8001), padded=padded)
    assert heard(wav(odd, METADATA, bits=8)) == 8001


@pytest.mark.parametrize(
    ("tag", "name"), [(0x55, "MP3"), (0x11, "IMA ADPCM"), (0xFF, "AAC"), (0x1234, "format 0x1234")]
)
def test_other_codings_are_refused_by_name(tag: int, name: str) -> None:
    with pytest.raises(InvalidFileType, match=f"holds sound coded as {name}. Send a WAV"):
        decode_audio(wav(chunk(b"data", bytes(100)), tag=tag))


@pytest.mark.parametrize("start", [b"BW64", b".snd", b"riff", b"\x30\x26\xb2\x75"])
def test_neighbours_of_wav_are_refused_by_name(start: bytes) -> None:
    with pytest.raises(InvalidFileType, match=r"^This is an? .* file\. Send a WAV"):
        decode_audio(start + bytes(100))


def test_more_chunks_than_anybody_writes_are_refused_and_not_passed_over() -> None:
    with pytest.raises(InvalidFileType, match="damaged"):
        decode_audio(wav(*(chunk(b"data", b"ab") for _ in range(2000))))
