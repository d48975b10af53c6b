"""The commands that look at files and at the weights, run as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
import soundfile as sf
from PIL import Image

from perse.cli import serve
from perse.errors import NoSpeechDetected, PerseError
from tests.cli.conftest import Run
from tests.conftest import REPOSITORY
from tests.media.pictures import PORTRAITS
from tests.synthetic_speech import ALICE, speech

OBAMA, AGAIN = PORTRAITS / "obama_2010.jpg", PORTRAITS / "obama_2012.jpg"
EMPTY = next((REPOSITORY / "tests" / "samples" / "no_face").glob("*.jpg"))


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    samples = speech(ALICE, 5.0) + np.random.default_rng(0).normal(0, 1e-3, 80_000)
    sf.write(tmp_path / "alice.wav", samples, 16_000)
    return tmp_path / "alice.wav"


def test_faces_are_told_with_their_verdicts_and_painted(standard: Run, tmp_path: Path) -> None:
    told = standard("detect", OBAMA, "--draw", tmp_path / "drawn.png")
    assert told.exit_code == 0
    assert f"{OBAMA}: 1 face\n" in told.stdout
    for measure in ("sharpness", "rotation", "liveness"):
        assert measure in told.stdout
    with Image.open(tmp_path / "drawn.png") as drawn, Image.open(OBAMA) as original:
        assert drawn.size == original.size


def test_every_picture_is_looked_at_whatever_becomes_of_the_others(
    standard: Run, tmp_path: Path
) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    told = standard("detect", tmp_path / "broken.jpg", OBAMA, EMPTY, "--json")
    assert told.exit_code == 1
    answers = [json.loads(line) for line in told.stdout.splitlines() if line.startswith("{")]
    assert [answer["total_faces"] for answer in answers] == [1, 0]
    assert told.stderr.count("broken.jpg") == 1


def test_only_one_picture_is_painted_at_a_time(standard: Run, tmp_path: Path) -> None:
    told = standard("detect", OBAMA, AGAIN, "--draw", tmp_path / "drawn.png")
    assert told.exit_code == 2
    assert "exactly one picture" in told.output


def test_two_pictures_are_compared(standard: Run) -> None:
    told = standard("compare", OBAMA, AGAIN)
    assert told.stdout.startswith("match: similarity ")
    assert "by sface" in told.stdout
    answer = json.loads(standard("compare", OBAMA, PORTRAITS / "hopper_1984.jpg", "--json").stdout)
    assert answer["similarity"] < answer["default_thresholds"]["similarity"]


def test_two_recordings_are_compared(standard: Run, recording: Path) -> None:
    told = standard("voice", "compare", recording, recording)
    assert told.stdout.startswith("match: similarity 1.000")
    assert told.stdout.count("net speech, s") == 2
    assert told.stdout.count("alice.wav: 5.0 s heard") == 2
    answer = json.loads(standard("voice", "compare", recording, recording, "--json").stdout)
    assert answer["models"]["speaker_embedder"] == "campplus"


def test_a_recording_without_speech_is_named(standard: Run, recording: Path) -> None:
    silence = recording.with_name("silence.wav")
    sf.write(silence, np.zeros(32_000), 16_000)
    with pytest.raises(NoSpeechDetected, match="second recording"):
        raise standard("voice", "compare", recording, silence).exception or AssertionError


def test_networks_are_listed_fetched_and_verified(standard: Run) -> None:
    listed = standard("models", "list").stdout
    cards = [json.loads(line) for line in standard("models", "list", "--json").stdout.splitlines()]
    assert all(card["name"] in listed for card in cards)
    here = {card["name"] for card in cards if card["state"] == "ready"}
    fetched = standard("models", "fetch", "sface", "perse_pad")
    assert [line.split(":")[0] for line in fetched.stdout.splitlines()] == ["sface", "perse_pad"]
    assert {"sface", "perse_pad"} <= here
    verified = standard("models", "verify", "perse_pad", "--pack", "standard")
    assert (verified.exit_code, verified.stdout) == (0, "perse_pad: ready\n")


def test_a_set_up_installation_is_found_in_order(standard: Run) -> None:
    first = standard("setup")
    assert first.exit_code == 0
    key = first.output.split("shown this once:")[1].split()[0]
    assert UUID(key).version == 4
    assert f"x-api-key: {key}" in first.output
    assert "shown this once" not in standard("setup").output
    found = standard("doctor")
    assert (found.exit_code, "FAIL" in found.stdout) == (0, False)
    for words in ("6 networks verified", "1 active API key", "1 signing key"):
        assert words in found.stdout


def test_serving_hands_over_the_settings_and_shows_where_to_go(
    standard: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: dict[str, object] = {}

    def stand_in(app: object, **given: object) -> None:
        served.update(given, app=app)
        announce = given["on_ready"]
        assert callable(announce)
        announce("http://127.0.0.1:1")

    monkeypatch.setattr(serve, "serve_app", stand_in)
    told = standard("serve", "--host", "127.0.0.1", "--port", "1", "--processes", "1")
    assert told.exit_code == 0, told.exception
    assert (served["host"], served["port"]) == ("127.0.0.1", 1)
    assert "browser: http://127.0.0.1:1/)" in told.output


def test_what_is_no_network_is_told(standard: Run) -> None:
    with pytest.raises(PerseError, match="there is no network called 'best'"):
        raise standard("models", "fetch", "best").exception or AssertionError
