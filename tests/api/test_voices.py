"""Voice compare over HTTP, with a fake pipeline."""

from __future__ import annotations

import httpx
import pytest

from perse.errors import NoSpeechDetected
from tests.fakes.services import FakeServices
from tests.fakes.voices import OBSTACLE, SILENCE, recording
from tests.served import serving

COMPARE = "/v0/voice/compare"
FILES = {"audio_file1": recording(), "audio_file2": recording()}


def test_one_voice_matches_in_the_words_of_the_contract(client: httpx.Client) -> None:
    answer = client.post(COMPARE, files=FILES)
    body = answer.json()
    assert answer.status_code == 200
    assert body["similarity"] >= body["default_thresholds"]["similarity"]
    assert body["defaultThresholds"] == body["default_thresholds"] == {"similarity": 0.6}
    assert body["thresholds"] == {"1e-1": 0.5, "1e-2": 0.6, "1e-3": 0.7}
    assert isinstance(body["time_taken"], float)
    assert body["status"] == 200


def test_two_voices_do_not_match(client: httpx.Client) -> None:
    body = client.post(COMPARE, files=FILES | {"audio_file2": recording(2)}).json()
    assert body["similarity"] < body["default_thresholds"]["similarity"]


def test_an_answer_says_whether_its_similarity_can_be_assessed(client: httpx.Client) -> None:
    body = client.post(COMPARE, files=FILES).json()
    assert body["similarity_assessable"] is True
    assert "similarity_obstacle" not in body
    body = client.post(COMPARE, files=FILES | {"audio_file2": recording(2)}).json()
    assert body["similarity_assessable"] is False
    assert body["similarity_obstacle"] == OBSTACLE


def test_each_recording_is_judged_in_the_order_sent(client: httpx.Client) -> None:
    good, telephone = client.post(COMPARE, files=FILES).json()["recordings"]
    assert good["voice_metrics"] == {
        "net_speech": 3.2,
        "signal_to_noise": 25.0,
        "clipping": 0.0,
        "bandwidth": 8000.0,
    }
    assert (good["decoded_s"], telephone["decoded_s"]) == (4.0, 2.0)
    assert all(verdict["pass"] for verdict in good["verdicts"].values())
    assert not any(verdict["pass"] for verdict in telephone["verdicts"].values())
    assert telephone["verdicts"]["bandwidth"] == {
        "pass": False,
        "direction": "higher_is_better",
        "guidance": "Record at 16 kHz or more, not through a telephone line.",
    }
    assert telephone["verdicts"]["clipping"]["direction"] == "lower_is_better"


@pytest.mark.parametrize("name", ["audio_file1", "audio_file2"])
def test_too_little_speech_is_422_and_names_the_recording(client: httpx.Client, name: str) -> None:
    answer = client.post(COMPARE, files=FILES | {name: SILENCE})
    assert answer.status_code == 422
    assert answer.json()["code"] == NoSpeechDetected.code
    assert name in answer.json()["message"]


@pytest.mark.parametrize("name", ["audio_file1", "audio_file2"])
@pytest.mark.parametrize(
    ("content", "status", "code"),
    [(b"", 400, "empty_file"), (b"ID3 a song", 415, "invalid_file_type")],
)
def test_what_is_no_recording_is_refused(
    client: httpx.Client, name: str, content: bytes, status: int, code: str
) -> None:
    answer = client.post(COMPARE, files=FILES | {name: content})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_missing_recording_is_named(client: httpx.Client) -> None:
    answer = client.post(COMPARE, files={"audio_file1": recording()})
    assert answer.status_code == 400
    assert answer.json()["code"] == "form_key_missing"
    assert "audio_file2" in answer.json()["message"]


def test_a_refused_consent_is_obeyed(client: httpx.Client) -> None:
    data = {"client_declaration_enduser_consent": "false"}
    answer = client.post(COMPARE, files=FILES, data=data)
    assert answer.json()["code"] == "enduser_consent_required"


def test_a_pack_without_voices_says_so() -> None:
    with serving(FakeServices(voices=None)) as served, served.client() as http:
        answer = http.post(COMPARE, files=FILES)
    assert answer.status_code == 404
    assert "another pack" in answer.json()["message"]
