"""Recordings that are looked at by themselves, with the real use case over fake networks."""

from __future__ import annotations

import httpx

from perse.domain.consent import Processing
from tests.fakes.services import FakeServices
from tests.fakes.voices import CROWD, SILENCE, recording
from tests.served import Served, serving

PATH = "/v1/voice/inspect"


def inspect(client: httpx.Client, content: bytes) -> httpx.Response:
    return client.post(PATH, files={"audio_file": content})


def test_a_recording_tells_where_somebody_speaks_and_how_good_it_is(client: httpx.Client) -> None:
    told = inspect(client, recording(1, seconds=3)).json()
    assert told["speech_segments"] == [[0, 3]]
    assert told["decoded_s"] == told["voice_metrics"]["net_speech"] == 3
    assert told["verdicts"]["net_speech"]["pass"] is True
    assert told["default_thresholds"] == {
        "net_speech": 2.0,
        "signal_to_noise": 12.0,
        "clipping": 0.01,
        "bandwidth": 4500.0,
        "agreement": 0.3,
    }
    assert told["agreement"] == 0.9
    assert told["similarity_assessable"] is True
    assert told["models"] == {"speech_detector": "fake-speech", "speaker_embedder": "fake-speaker"}


def test_several_voices_are_an_obstacle(client: httpx.Client) -> None:
    told = inspect(client, recording(CROWD, seconds=3)).json()
    assert told["similarity_assessable"] is False
    assert "several voices seem to be heard in this recording" in told["similarity_obstacle"]


def test_silence_is_an_answer(client: httpx.Client) -> None:
    answer = inspect(client, SILENCE)
    told = answer.json()
    assert answer.status_code == 200
    assert told["speech_segments"] == []
    assert told["similarity_assessable"] is False
    assert "0.0 s of speech in 1.0 s" in told["similarity_obstacle"]
    assert told.keys().isdisjoint({"agreement", "crowding"})


def test_what_is_no_recording_is_refused(client: httpx.Client) -> None:
    assert inspect(client, b"a picture").json()["code"] == "invalid_file_type"
    assert client.post(PATH, files={"image_file": b"-"}).json()["code"] == "form_key_missing"


def test_an_inspection_is_in_the_ledger(served: Served, client: httpx.Client) -> None:
    inspect(client, recording())
    assert served.services.ledger.links[-1].entry.operation == Processing.VOICE_INSPECT


def test_a_pack_without_voices_inspects_none() -> None:
    with serving(FakeServices(voices=None)) as served, served.client() as client:
        assert inspect(client, recording()).json()["code"] == "not_found"
