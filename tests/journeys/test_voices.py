"""Voices as a user compares them: real networks, files, the library and the command line."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from numpy.typing import NDArray
from typer.testing import CliRunner

from perse.cli.application import app
from perse.domain.samples import VoiceSample
from perse.engine import Engine, open_engine
from perse.errors import FileTooLarge, InvalidFileType, InvalidParameter, NoSpeechDetected
from tests.synthetic_speech import ALICE, Person, speech
from training.voice.sounds import band

CARL = Person(pitch_hz=50, tract=0.7)


def in_a_room(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """With the faint noise that every recording has, and arithmetic has not."""
    noise = np.random.default_rng(0).normal(0, 1e-3, len(samples))
    return np.asarray(samples + noise, np.float32)


def recorded(
    person: Person,
    *,
    seed: int = 0,
    seconds: float = 5,
    rate_hz: int = 16_000,
    kind: str = "WAV",
    subtype: str = "PCM_16",
) -> bytes:
    file = io.BytesIO()
    samples = in_a_room(speech(person, seconds, seed=seed, rate_hz=rate_hz))
    sf.write(file, samples, rate_hz, format=kind, subtype=subtype)
    return file.getvalue()


@pytest.fixture(scope="module")
def engine(pack_folders: dict[str, Path]) -> Iterator[Engine]:
    with open_engine("standard", data_dir=pack_folders["standard"], offline=True) as opened:
        yield opened


OTHERS = {
    "wav": recorded(ALICE, seed=1),
    "telephone": recorded(ALICE, seed=1, rate_hz=8_000, subtype="ULAW"),
    "48 kHz": recorded(ALICE, seed=1, rate_hz=48_000, subtype="PCM_24"),
    "vorbis": recorded(ALICE, seed=1, kind="OGG", subtype="VORBIS"),
    "opus": recorded(ALICE, seed=1, kind="OGG", subtype="OPUS"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_one_voice_matches_in_any_coding(engine: Engine, other: str) -> None:
    comparison = engine.compare_voices(recorded(ALICE), OTHERS[other])
    assert comparison.similarity >= engine.voice_thresholds.similarity
    assert (comparison.second.bandwidth_hz <= 4000) == (other == "telephone")


def test_two_voices_do_not_match(engine: Engine) -> None:
    comparison = engine.compare_voices(recorded(ALICE), recorded(CARL))
    assert comparison.similarity < engine.voice_thresholds.similarity
    assert comparison.models == {"speech_detector": "silero_vad", "speaker_embedder": "campplus"}


def test_order_does_not_matter(engine: Engine) -> None:
    there = engine.compare_voices(recorded(ALICE), recorded(CARL, seconds=3))
    back = engine.compare_voices(recorded(CARL, seconds=3), recorded(ALICE))
    assert there.similarity == pytest.approx(back.similarity, abs=1e-6)
    assert there.first == back.second


def test_templates_are_the_library_users_own(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "alice.wav"
    path.write_bytes(recorded(ALICE))
    from_path, from_bytes = engine.voice_template(path), engine.voice_template(recorded(ALICE))
    assert from_path.cosine(from_bytes) == pytest.approx(1, abs=1e-6)
    sample = VoiceSample(in_a_room(speech(ALICE, 5)), 16_000)
    assert engine.voice_template(sample).cosine(from_path) > 0.999


def test_silence_says_how_much_speech_was_found(engine: Engine) -> None:
    silence = VoiceSample(np.zeros(48_000, np.float32), 16_000)
    with pytest.raises(NoSpeechDetected, match=r"the second recording holds 0\.0 s of speech"):
        engine.compare_voices(recorded(ALICE), silence)


def test_what_is_no_recording_is_refused(engine: Engine) -> None:
    with pytest.raises(InvalidFileType):
        engine.voice_template(b"hello")
    with pytest.raises(InvalidParameter):
        engine.voice_template(7)  # type: ignore[arg-type]
    with pytest.raises(FileTooLarge):
        engine.voice_template(bytes(11_000_000))


def in_turn(*people: Person) -> bytes:
    """They speak for four seconds each."""
    file = io.BytesIO()
    samples = np.concatenate([speech(person, 4) for person in people])
    sf.write(file, in_a_room(samples), 16_000, format="WAV", subtype="PCM_16")
    return file.getvalue()


def test_several_people_in_one_recording_are_told(engine: Engine) -> None:
    alone = engine.compare_voices(recorded(ALICE), in_turn(ALICE, ALICE))
    assert alone.obstacle is None
    several = engine.compare_voices(recorded(ALICE), in_turn(ALICE, CARL))
    assert several.obstacle is not None
    assert "several voices seem to be heard in the second recording" in several.obstacle


def test_music_is_no_voice(engine: Engine) -> None:
    with pytest.raises(NoSpeechDetected, match="the first recording holds 0"):
        engine.compare_voices(VoiceSample(band(5, 0), 16_000), recorded(ALICE))


def test_gaps_in_a_recording_are_no_other_voice(engine: Engine) -> None:
    whole = in_a_room(speech(ALICE, 5))
    holed = whole.copy()
    for start in range(0, len(holed), 4800):
        holed[start : start + 320] = 0
    comparison = engine.compare_voices(recorded(ALICE, seed=1), VoiceSample(holed, 16_000))
    assert comparison.similarity >= engine.voice_thresholds.similarity


def test_the_command_line_tells_of_several_people_too(
    pack_folders: dict[str, Path], tmp_path: Path
) -> None:
    one, other = tmp_path / "one.wav", tmp_path / "other.wav"
    one.write_bytes(in_turn(CARL, ALICE))
    other.write_bytes(recorded(ALICE))
    command = ["voice", "compare", str(one), str(other), "--data-dir"]
    command += [str(pack_folders["standard"]), "--pack", "standard"]
    assert "not assessable: Record one person alone" in CliRunner().invoke(app, command).output
    answer = json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout)
    assert answer["similarity_assessable"] is False
    assert "the first recording" in answer["similarity_obstacle"]


def test_the_command_line_answers_as_the_server_does(
    pack_folders: dict[str, Path], tmp_path: Path
) -> None:
    alice, bob = tmp_path / "alice.wav", tmp_path / "bob.ogg"
    alice.write_bytes(recorded(ALICE))
    bob.write_bytes(recorded(CARL, kind="OGG", subtype="OPUS"))
    command = ["voice", "compare", str(alice), str(bob), "--data-dir"]
    command += [str(pack_folders["standard"]), "--pack", "standard"]
    shown = CliRunner().invoke(app, command)
    assert shown.exit_code == 0
    assert "no match: similarity 0." in shown.output
    answer = json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout)
    assert answer["default_thresholds"] == {"similarity": 0.6}
    assert len(answer["recordings"]) == 2
