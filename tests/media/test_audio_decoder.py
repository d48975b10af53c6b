from __future__ import annotations

import numpy as np
import pytest

from perse.errors import EmptyFile, FileTooLarge, InvalidFileType
from perse.media.audio_decoder import RATE_HZ, AudioLimits, decode_audio
from tests.media.recordings import encoded, strongest_hz, tone, with_lengths

PCM = ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAW", "ULAW"]
TONE = tone(440)
WAV = encoded(TONE)


@pytest.mark.parametrize(
    ("kind", "subtype"),
    [
        *(("WAV", subtype) for subtype in PCM),
        ("WAVEX", "PCM_16"),
        ("WAVEX", "FLOAT"),
        ("OGG", "VORBIS"),
        ("OGG", "OPUS"),
    ],
)
def test_every_accepted_kind_is_read(kind: str, subtype: str) -> None:
    sample = decode_audio(encoded(TONE, kind=kind, subtype=subtype))
    assert sample.rate_hz == RATE_HZ
    assert sample.duration_s == pytest.approx(1.0, abs=0.03)
    assert strongest_hz(sample.samples, RATE_HZ) == pytest.approx(440, abs=3)
    assert float(np.abs(sample.samples[1000:-1000]).max()) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_any_rate_and_number_of_channels(rate_hz: int, channels: int) -> None:
    samples = np.tile(tone(440, rate_hz=rate_hz)[:, np.newaxis], (1, channels))
    sample = decode_audio(encoded(samples, rate_hz))
    assert len(sample.samples) == pytest.approx(RATE_HZ, abs=2)
    middle = slice(1000, -1000)
    np.testing.assert_allclose(sample.samples[middle], TONE[middle], atol=2e-3)


@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 192_000])
def test_a_tone_above_half_the_rate_vanishes(rate_hz: int) -> None:
    high = tone(11_000, rate_hz=rate_hz)
    sample = decode_audio(encoded(high, rate_hz, subtype="FLOAT"))
    assert float(np.abs(sample.samples[1000:-1000]).max()) < 1e-4


def test_a_long_recording_has_no_seams_between_blocks() -> None:
    sample = decode_audio(encoded(tone(440, seconds=20, rate_hz=44_100), 44_100))
    np.testing.assert_allclose(
        sample.samples[1000:-1000], tone(440, seconds=20)[1000:-1000], atol=1e-3
    )


@pytest.mark.parametrize("length", [0, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000])
def test_lengths_that_were_never_filled_in_do_not_matter(length: int) -> None:
    claimed = with_lengths(WAV, riff=length, data=length)
    np.testing.assert_array_equal(decode_audio(claimed).samples, decode_audio(WAV).samples)


def test_chunks_after_the_samples_are_no_samples() -> None:
    listed = WAV + b"LIST\x04\0\0\0INFO"
    np.testing.assert_array_equal(decode_audio(listed).samples, decode_audio(WAV).samples)
    empty = encoded(np.zeros(0)) + b"LIST\x04\0\0\0INFO"
    assert decode_audio(empty).duration_s == 0


def test_a_recording_cut_off_is_taken_as_far_as_it_goes() -> None:
    assert decode_audio(WAV[: len(WAV) // 2]).duration_s == pytest.approx(0.5, abs=0.01)
    assert decode_audio(WAV[:44]).duration_s == 0


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_silence(wrong: float) -> None:
    samples = TONE.copy()
    samples[:8000] = wrong
    sample = decode_audio(encoded(samples, subtype="FLOAT"))
    assert float(np.abs(sample.samples[:8000]).max()) < 1e-3
    np.testing.assert_allclose(sample.samples[8000:], TONE[8000:], atol=1e-3)


def test_samples_beyond_full_scale_are_cut_there_and_counted() -> None:
    sample = decode_audio(encoded(TONE * 1e30, subtype="FLOAT"))
    assert float(np.abs(sample.samples).max()) <= 1
    assert sample.clipped_share > 0.99


def test_the_clipped_share_is_measured_before_resampling() -> None:
    loud = np.clip(tone(300, rate_hz=48_000, peak=2.0), -1, 1)
    assert decode_audio(encoded(loud, 48_000)).clipped_share == pytest.approx(0.67, abs=0.02)
    assert decode_audio(WAV).clipped_share == 0


def test_direct_current_is_taken_off() -> None:
    sample = decode_audio(encoded(TONE / 2 + 0.4, subtype="FLOAT"))
    np.testing.assert_allclose(sample.samples, TONE / 2, atol=1e-4)


def test_channels_that_cancel_each_other_out_are_not_averaged() -> None:
    sample = decode_audio(encoded(np.stack([TONE, -TONE], axis=1)))
    np.testing.assert_allclose(sample.samples, TONE, atol=1e-3)


def test_one_voice_among_silent_channels_is_heard() -> None:
    channels = np.zeros((len(TONE), 8))
    channels[:, 5] = TONE
    np.testing.assert_allclose(decode_audio(encoded(channels)).samples, TONE, atol=1e-3)


def test_silence_in_two_channels_is_silence() -> None:
    assert not decode_audio(encoded(np.zeros((8000, 2)))).samples.any()


@pytest.mark.parametrize("rate_hz", [4_000, 7_999, 192_001, 384_000])
def test_other_rates_are_refused(rate_hz: int) -> None:
    with pytest.raises(InvalidFileType, match=f"{rate_hz} samples a second"):
        decode_audio(encoded(TONE, rate_hz))


@pytest.mark.parametrize(
    ("kind", "subtype", "word"),
    [
        ("FLAC", "PCM_16", "FLAC"),
        ("MP3", "MPEG_LAYER_III", "MP3"),
        ("AIFF", "PCM_16", "AIFF"),
        ("CAF", "PCM_16", "CAF"),
        ("RF64", "PCM_16", "RF64"),
        ("WAV", "IMA_ADPCM", "ADPCM"),
        ("WAV", "GSM610", "GSM"),
    ],
)
def test_other_kinds_are_refused_by_name(kind: str, subtype: str, word: str) -> None:
    with pytest.raises(InvalidFileType, match=word) as refusal:
        decode_audio(encoded(TONE, 8_000, kind, subtype))
    assert "WAV" in refusal.value.message
    assert "OGG" in refusal.value.message


@pytest.mark.parametrize(
    ("content", "word"),
    [(b"\0\0\0\x20ftypM4A ", "M4A"), (b"hello", "known"), (b"\x1aE\xdf\xa3", "WebM")],
)
def test_what_is_no_recording_is_refused(content: bytes, word: str) -> None:
    with pytest.raises(InvalidFileType, match=word):
        decode_audio(content + bytes(100))


@pytest.mark.parametrize("content", [WAV[:20], b"RIFFxxxxWAVE", b"OggS", b"OggS" + bytes(500)])
def test_damaged_files_are_refused(content: bytes) -> None:
    with pytest.raises(InvalidFileType, match="damaged"):
        decode_audio(content)


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(EmptyFile):
        decode_audio(b"")


def test_a_view_of_memory_will_do() -> None:
    assert decode_audio(memoryview(WAV)).duration_s == 1


@pytest.mark.parametrize(("kind", "subtype"), [("WAV", "ULAW"), ("OGG", "VORBIS"), ("OGG", "OPUS")])
def test_long_recordings_are_refused(kind: str, subtype: str) -> None:
    with pytest.raises(FileTooLarge, match="longer than the limit of 2 s"):
        decode_audio(
            encoded(tone(440, seconds=2.5), kind=kind, subtype=subtype),
            AudioLimits(max_duration_s=2),
        )


def test_large_files_are_refused() -> None:
    with pytest.raises(FileTooLarge, match="MB"):
        decode_audio(WAV, AudioLimits(max_bytes=1000))


def test_many_channels_for_long_are_refused() -> None:
    with pytest.raises(FileTooLarge, match="channels"):
        decode_audio(encoded(np.zeros((8000, 255))), AudioLimits(max_values=1_000_000))
