"""A subject's whole life on a real server with real networks, portraits and voices."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile as sf

from tests.real_house import House, running_house
from tests.storage.postgresql import Cluster
from tests.synthetic_speech import ALICE, Person, speech

PATH = "/v1/subjects"
CARL = Person(pitch_hz=50, tract=0.7)


@pytest.fixture(scope="module")
def house(
    database: Cluster | None,
    pack_folders: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    with running_house(folder, pack_folders["standard"] / "weights", database) as running:
        yield running


def recorded(*people: Person, seed: int = 0) -> bytes:
    """They speak for four seconds each, with the faint noise that every recording has."""
    file = io.BytesIO()
    samples = np.concatenate([speech(person, 4, seed=seed) for person in people])
    noise = np.random.default_rng(0).normal(0, 1e-3, len(samples))
    sf.write(file, samples + noise, 16_000, format="WAV", subtype="PCM_16")
    return file.getvalue()


def test_a_subject_is_made_verified_by_both_and_destroyed(house: House) -> None:
    assert house.client.put("/v1/collections/presidents").status_code == 200
    made = house.client.post(PATH, json={"external_id": "potus-44", "collections": ["presidents"]})
    one = f"{PATH}/{made.json()['id']}"
    faces = [house.post(name, f"{one}/faces").json() for name in ("obama_2009", "obama_2010")]
    assert all(face["quality"]["recognisability"] > 0.9 for face in faces)
    first = house.post("", f"{one}/voices", recording=recorded(ALICE, seed=1)).json()
    assert not first["net_speech_enough"]
    second = house.post("", f"{one}/voices", recording=recorded(ALICE, seed=2)).json()
    assert second["net_speech_enough"]
    subject = house.client.get(one).json()
    assert (subject["faces"], subject["voices"]) == (2, 2)

    both = house.post("obama_2012", f"{one}/verify", recording=recorded(ALICE)).json()
    assert (both["decision"], both["rule"]) == ("match", "fused")
    assert both["face"]["samples_compared"] == both["voice"]["samples_compared"] == 2
    assert both["fused"]["similarity"] >= both["fused"]["threshold"]
    stranger = house.post("hopper_1984", f"{one}/verify", recording=recorded(CARL)).json()
    assert stranger["decision"] == "no_match"
    assert stranger["fused"]["similarity"] < stranger["fused"]["threshold"]
    for sent, decision in (("obama_2012", "match"), ("biden_2010", "no_match")):
        assert house.post(sent, f"{one}/verify").json()["decision"] == decision
    for person, decision in ((ALICE, "match"), (CARL, "no_match")):
        said = house.post("", f"{one}/verify", recording=recorded(person)).json()
        assert said["decision"] == decision

    for field, sample in (("faces", faces[0]), ("voices", first)):
        gone = house.client.delete(f"{one}/{field}/{sample['id']}").json()
        claims = house.services.storage.receipts.signer.verify(gone["receipt"])
        assert claims["destroyed"] == {"templates": 1, "data_keys": 1}
    deleted = house.client.delete(one, headers={"If-Match": house.client.get(one).headers["ETag"]})
    claims = house.services.storage.receipts.signer.verify(deleted.json()["receipt"])
    assert claims["destroyed"] == {"templates": 2, "data_keys": 2}
    assert house.client.get(one).status_code == 404
    assert house.client.get("/v1/collections/presidents").json()["subjects"] == 0
    assert list(house.services.storage.ledger.problems()) == []


def test_a_user_of_v0_and_a_subject_are_one_person(house: House) -> None:
    token = house.post("obama_2010").json()["user_token"]
    one = f"{PATH}/{token}"
    assert house.post("obama_2012", f"{one}/verify").json()["decision"] == "match"
    assert house.post("obama_2009", f"{one}/faces").status_code == 200
    compared = house.post("obama_2012", "/v0/face/compare", user_token=token).json()
    assert compared["similarity"] >= compared["default_thresholds"]["similarity"]
    assert house.post("hopper_1984", method="PUT", user_token=token).status_code == 200
    (face,) = house.client.get(f"{one}/faces").json()["faces"]
    assert face["id"] == token
    assert house.post("obama_2012", f"{one}/verify").json()["decision"] == "no_match"
    assert house.client.delete(f"/v0/face/enrollment/{token}").status_code == 200
    assert house.client.get(one).status_code == 404


def test_a_voice_that_is_not_alone_is_not_enrolled(house: House) -> None:
    one = f"{PATH}/{house.client.post(PATH, json={}).json()['id']}"
    answer = house.post("", f"{one}/voices", recording=recorded(ALICE, CARL))
    assert (answer.status_code, answer.json()["code"]) == (422, "recording_unusable")
    assert house.client.get(f"{one}/voices").json()["voices"] == []


def test_the_same_person_under_another_name_is_found(house: House) -> None:
    first, second = (f"{PATH}/{house.client.post(PATH, json={}).json()['id']}" for _ in range(2))
    house.post("hopper_1984", f"{first}/faces")
    house.post("obama_2010", f"{first}/faces")

    def add(name: str, asked: str) -> httpx.Response:
        """When the search has been read."""
        answer = house.post(name, f"{second}/faces", on_duplicate=asked)
        while answer.status_code == 503:
            answer = house.post(name, f"{second}/faces", on_duplicate=asked)
        return answer

    refused = add("obama_2012", "refuse")
    assert (refused.status_code, refused.json()["code"]) == (409, "already_exists")
    assert first.rpartition("/")[2] in refused.json()["message"]
    stranger = add("biden_2010", "refuse").json()
    assert stranger["duplicates"]["candidates"] == []
    assert stranger["duplicates"]["threshold"]["comparisons"] >= 2
    reported = add("obama_2012", "report").json()
    (candidate,) = reported["duplicates"]["candidates"]
    assert candidate["subject_id"] == first.rpartition("/")[2]
    assert house.client.get(second).json()["faces"] == 2


def test_a_recording_is_inspected_without_anybody_being_enrolled(house: House) -> None:
    alone = house.post("", "/v1/voice/inspect", recording=recorded(ALICE)).json()
    assert alone["similarity_assessable"]
    assert alone["agreement"] > alone["default_thresholds"]["agreement"]
    assert alone["crowding"] < alone["default_thresholds"]["crowding"]
    spoken = sum(end - start for start, end in alone["speech_segments"])
    assert spoken == pytest.approx(alone["voice_metrics"]["net_speech"], abs=1e-3)
    assert spoken <= alone["decoded_s"] == 4
    several = house.post("", "/v1/voice/inspect", recording=recorded(ALICE, CARL)).json()
    assert "several voices" in several["similarity_obstacle"]
    silence = np.zeros(32_000, np.float32)
    file = io.BytesIO()
    sf.write(file, silence, 16_000, format="WAV", subtype="PCM_16")
    quiet = house.post("", "/v1/voice/inspect", recording=file.getvalue()).json()
    assert quiet["speech_segments"] == []
    assert "of speech in 2.0 s" in quiet["similarity_obstacle"]


def test_the_installation_is_well_and_says_so(house: House) -> None:
    told = house.client.get("/v1/status").json()
    states = {it["name"]: it["state"] for it in told["findings"]}
    assert states.pop("session tokens") == states.pop("weights") == "ok", told["findings"]
    assert set(states.values()) == {"ok"}, told["findings"]
    assert {it["name"] for it in told["networks"]} >= {"perse_pad", "campplus"}


def test_what_was_done_and_what_is_held_is_told_of_a_subject(house: House) -> None:
    one = f"{PATH}/{house.client.post(PATH, json={}).json()['id']}"
    house.post("obama_2009", f"{one}/faces")
    told = house.client.get(f"{one}/ledger", params={"check_chain": "true"}).json()
    assert told["chain"] == {**told["chain"], "whole": True, "problems": []}
    assert [it["operation"] for it in told["entries"]] == ["subject_create", "face_enrol"]
    assert all(it["intact"] for it in told["entries"])
    (held,) = house.client.get(f"{one}/export").json()["subjects"]
    (face,) = held["samples"]
    assert len(face["template"]["values"]) == 128
