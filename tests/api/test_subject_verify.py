from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from perse.domain.consent import Declaration, Processing
from perse.domain.decisions import PadScore
from perse.domain.samples import ModelName
from tests.fakes.faces import HIDDEN, THRESHOLDS, SeeingEmbedder, picture
from tests.fakes.services import FakeServices
from tests.fakes.voices import CROWD, SILENCE, recording
from tests.served import Served, serving

PATH = "/v1/subjects"
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def served() -> Iterator[Served]:
    with serving() as server:
        yield server


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with served.client() as http:
        yield http


def subject(
    client: httpx.Client, *, faces: tuple[int, ...] = (1,), voices: tuple[int, ...] = (1,)
) -> str:
    """The path of a new one with samples of these people."""
    one = f"{PATH}/{client.post(PATH, json={}).json()['id']}"
    for identity in faces:
        client.post(f"{one}/faces", files={"image_file": picture(identity)})
    for identity in voices:
        client.post(f"{one}/voices", files={"audio_file": recording(identity)})
    return one


def send(
    client: httpx.Client,
    one: str,
    *,
    face: int | None = None,
    voice: int | None = None,
    **data: str,
) -> httpx.Response:
    files = {} if face is None else {"image_file": picture(face)}
    files |= {} if voice is None else {"audio_file": recording(voice)}
    return client.post(f"{one}/verify", files=files, data=data)


def verify(
    client: httpx.Client,
    one: str,
    *,
    face: int | None = None,
    voice: int | None = None,
    **data: str,
) -> dict[str, Any]:
    answer = send(client, one, face=face, voice=voice, **data)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_a_picture_alone_decides(client: httpx.Client) -> None:
    one = subject(client, faces=(1, 1))
    same, other = verify(client, one, face=1), verify(client, one, face=2)
    assert (same["decision"], same["rule"]) == ("match", "face")
    assert (other["decision"], other["rule"]) == ("no_match", "face")
    face = same["face"]
    assert face["similarity"] >= face["threshold"] > other["face"]["similarity"]
    assert face["samples_compared"] == 2
    assert face["best_sample"] in str(client.get(f"{one}/faces").json())
    assert (face["liveness_score"], face["liveness_assessable"]) == (0.97, True)
    assert 0.9 < face["recognisability"] <= 1
    assert "voice" not in same
    assert "fused" not in same


def test_a_recording_alone_decides(client: httpx.Client) -> None:
    one = subject(client)
    same, other = verify(client, one, voice=1), verify(client, one, voice=2)
    assert (same["decision"], same["rule"]) == ("match", "voice")
    assert (other["decision"], other["rule"]) == ("no_match", "voice")
    assert same["voice"]["similarity"] >= same["voice"]["threshold"]
    assert same["voice"]["recording"]["voice_metrics"]["net_speech"] == 1.0
    assert "face" not in same


@pytest.mark.parametrize(
    ("policy", "face", "voice", "decision"),
    [
        ("any", 1, 1, "match"),
        ("any", 1, 2, "match"),
        ("any", 2, 1, "match"),
        ("any", 2, 2, "no_match"),
        ("all", 1, 1, "match"),
        ("all", 1, 2, "no_match"),
        ("all", 2, 1, "no_match"),
        ("fused", 1, 1, "match"),
        ("fused", 1, 2, "match"),
        ("fused", 2, 2, "no_match"),
    ],
)
def test_a_policy_decides_over_both(
    client: httpx.Client, policy: str, face: int, voice: int, decision: str
) -> None:
    said = verify(client, subject(client), face=face, voice=voice, policy=policy)
    assert (said["decision"], said["rule"], said["policy"]) == (decision, policy, policy)
    assert said["face"]["decision"] == ("match" if face == 1 else "no_match")
    assert said["voice"]["decision"] == ("match" if voice == 1 else "no_match")
    assert said["fused"]["threshold"] == 0.8


def test_both_are_fused_unless_it_is_said_otherwise(client: httpx.Client) -> None:
    assert verify(client, subject(client), face=1, voice=1)["policy"] == "fused"


def test_where_nobody_measured_both_together_both_have_to_match() -> None:
    services = FakeServices()
    services.subjects.fusion = None
    with serving(services) as served, served.client() as client:
        one = subject(client)
        said = verify(client, one, face=1, voice=2)
        assert (said["decision"], said["rule"]) == ("no_match", "all")
        assert "fused" not in said
        asked = send(client, one, face=1, voice=1, policy="fused")
        assert refusal(asked) == (400, "invalid_parameter")


@pytest.mark.parametrize(
    ("policy", "decision", "rule"),
    [
        ("any", "match", "any"),
        ("all", "not_assessable", "all"),
        ("fused", "not_assessable", "voice"),
    ],
)
def test_a_hidden_face_makes_nothing_easier(
    client: httpx.Client, policy: str, decision: str, rule: str
) -> None:
    """The voice alone reaches its own threshold; as rare errors as both make nobody measured."""
    said = verify(client, subject(client), face=HIDDEN, voice=1, policy=policy)
    assert (said["decision"], said["rule"]) == (decision, rule)
    face = said["face"]
    assert (face["decision"], face["similarity"]) == ("not_assessable", 0.0)
    assert not face["similarity_assessable"]
    assert "whole face" in face["similarity_obstacle"]
    assert face["samples_compared"] == 0
    assert "best_sample" not in face
    assert "similarity" not in said["fused"]


def test_what_cannot_be_told_is_no_failed_comparison(client: httpx.Client) -> None:
    one = subject(client)
    for _ in range(12):
        assert verify(client, one, face=HIDDEN)["decision"] == "not_assessable"
    said = verify(client, one, voice=CROWD)
    assert said["decision"] == "not_assessable"
    assert "in the recording" in said["voice"]["similarity_obstacle"]
    assert verify(client, one, face=1)["decision"] == "match"


def test_failures_count_over_face_and_voice_and_v0_together(client: httpx.Client) -> None:
    one = subject(client)
    token = one.rpartition("/")[2]
    for _ in range(4):
        verify(client, one, face=2)
        verify(client, one, voice=2)
    sent = {"image_file": picture(2)}
    for _ in range(2):
        client.post("/v0/face/compare", files=sent, data={"user_token": token})
    for blocked in (
        send(client, one, face=1),
        send(client, one, voice=1),
        client.post("/v0/face/compare", files=sent, data={"user_token": token}),
    ):
        assert refusal(blocked) == (429, "rate_limited")
        assert 0 < int(blocked.headers["Retry-After"]) <= 30


def test_adding_a_sample_forgets_no_failure(client: httpx.Client) -> None:
    one = subject(client)
    for _ in range(10):
        verify(client, one, face=2)
    assert client.post(f"{one}/faces", files={"image_file": picture(2)}).status_code == 200
    assert refusal(send(client, one, face=2)) == (429, "rate_limited")


@pytest.mark.parametrize("policy", ["all", "fused"])
def test_no_voice_makes_up_for_a_face_that_is_not_live(policy: str) -> None:
    services = FakeServices()
    with serving(services) as served, served.client() as client:
        one = subject(client)
        services.faces.pad = PadScore(0.1)
        said = verify(client, one, face=1, voice=1, policy=policy)
        assert (said["decision"], said["face"]["decision"]) == ("no_match", "no_match")
        assert said["face"]["similarity"] >= said["face"]["threshold"]
        assert said["face"]["liveness_score"] < said["face"]["liveness_threshold"]


def test_a_pack_without_an_attack_detector_says_nothing_of_liveness() -> None:
    services = FakeServices()
    services.faces.pad = None
    with serving(services) as served, served.client() as client:
        said = verify(client, subject(client), face=1)
        assert said["decision"] == "match"
        assert not [key for key in said["face"] if key.startswith("liveness")]


def test_samples_of_another_network_take_no_part_and_are_counted() -> None:
    services = FakeServices()
    with serving(services) as served, served.client() as client:
        one = subject(client)
        services.faces.embedder = SeeingEmbedder(ModelName("newer"))
        moved = send(client, one, face=1)
        assert refusal(moved) == (422, "reference_model_mismatch")
        client.post(f"{one}/faces", files={"image_file": picture(1)})
        face = verify(client, one, face=1)["face"]
        assert (face["samples_compared"], face["other_networks"]) == (1, 1)


def test_what_there_is_nothing_to_compare_with(client: httpx.Client) -> None:
    seen, empty = subject(client, voices=()), subject(client, faces=(), voices=())
    for answer in (
        send(client, seen, voice=1),
        send(client, seen, face=1, voice=1),
        send(client, empty, face=1),
    ):
        assert refusal(answer) == (404, "sample_not_found")
    assert verify(client, seen, face=1)["decision"] == "match"


def test_what_was_sent_is_named(client: httpx.Client) -> None:
    one = subject(client)
    nothing = client.post(f"{one}/verify", files={"other": b"x"})
    assert refusal(nothing) == (400, "form_key_missing")
    assert refusal(send(client, one, face=1, policy="most")) == (400, "invalid_parameter")
    silent = client.post(f"{one}/verify", files={"audio_file": SILENCE})
    assert refusal(silent) == (422, "no_speech_detected")
    assert "audio_file" in silent.json()["message"]
    assert client.post(f"{one}/verify", files={"audio_file": b""}).status_code == 400


def test_another_tenants_subject_does_not_exist(served: Served, client: httpx.Client) -> None:
    one = subject(client)
    seen = len(served.services.faces.decoded)
    _, key = served.services.keys.create("other")
    with httpx.Client(base_url=served.url, headers={"x-api-key": key}) as other:
        asked = [send(other, path, face=1) for path in (one, f"{PATH}/{NOBODY}", f"{PATH}/list")]
    assert {(it.status_code, it.json()["message"]) for it in asked} == {
        (404, asked[0].json()["message"])
    }
    assert asked[0].json()["code"] == "subject_not_found"
    assert len(served.services.faces.decoded) == seen


@pytest.mark.parametrize(
    ("declared", "expected"),
    [("true", Declaration.GIVEN), (None, Declaration.ABSENT), ("false", Declaration.REFUSED)],
)
def test_every_verification_is_in_the_ledger(
    served: Served, client: httpx.Client, declared: str | None, expected: Declaration
) -> None:
    one, files = subject(client), {"image_file": picture(1)}
    served.services.ledger.links.clear()
    data = {} if declared is None else {"client_declaration_enduser_consent": declared}
    answer = client.post(f"{one}/verify", files=files, data=data)
    (noted,) = served.services.ledger.entries
    assert (noted.operation, noted.declaration) == (Processing.SUBJECT_VERIFY, expected)
    assert noted.user_token == one.rpartition("/")[2]
    assert answer.status_code == (400 if expected is Declaration.REFUSED else 200)


def test_liveness_is_told_alike_by_a_verification_and_a_search() -> None:
    services = FakeServices()
    services.faces.thresholds = replace(THRESHOLDS, liveness=0.123456789)
    with serving(services) as served, served.client() as client:
        verified = verify(client, subject(client), face=1)["face"]
        answer = client.post("/v1/identify", files={"image_file": picture(1)}).json()["face"]
        told = [
            {key: value for key, value in face.items() if key.startswith("liveness")}
            for face in (verified, answer)
        ]
        assert told[0] == told[1]
        assert told[0]["liveness_threshold"] == pytest.approx(0.1235, abs=1e-4)
        assert len(str(told[0]["liveness_threshold"])) < len("0.123456789")
