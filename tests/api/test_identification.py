"""Who of many is this, over HTTP, with fake networks and the real search."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from perse.domain.access import TenantId
from perse.domain.consent import Processing
from perse.domain.references import UserToken
from tests.fakes.faces import EMPTY_SCENE, HIDDEN, FakeFaces, picture
from tests.fakes.services import FakeServices, settings
from tests.fakes.voices import CROWD, recording
from tests.served import Served, serving

IDENTIFY = "/v1/identify"
ANN, BOB, EVE = 1, 2, 3


def enrolled(served: Served, *identities: int, collection: str = "") -> list[UserToken]:
    """Subjects of the API key's tenant."""
    services = served.services
    tenant_id = services.first_key.tenant_id
    return services.searching.enrol(tenant_id, *identities, collection=collection)


def asked(client: httpx.Client, identity: int, **fields: str) -> httpx.Response:
    return client.post(IDENTIFY, files={"image_file": picture(identity)}, data=fields)


def seen(client: httpx.Client, identity: int, **fields: str) -> dict[str, Any]:
    answer = asked(client, identity, **fields)
    assert answer.status_code == 200
    face: dict[str, Any] = answer.json()["face"]
    return face


def heard(client: httpx.Client, identity: int, **files: bytes) -> dict[str, Any]:
    answer = client.post(IDENTIFY, files={"audio_file": recording(identity), **files})
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


def test_who_is_enrolled_is_found() -> None:
    with serving() as served, served.client() as client:
        ann, _ = enrolled(served, ANN, BOB)
        answer = asked(client, ANN)
        assert answer.status_code == 200
        body = answer.json()["face"]
        assert "voice" not in answer.json()
        (candidate,) = body["candidates"]
        assert candidate == {
            "rank": 1,
            "subject_id": ann,
            "external_id": f"external {ann[:8]}",
            "similarity": pytest.approx(0.93, abs=1e-3),
            "sample_id": served.services.searching.feed.sample_of(
                ann, tenant=served.services.first_key.tenant_id
            ),
        }
        assert body["subjects"] == 2
        assert body["threshold"] == {
            "similarity": pytest.approx(0.63, abs=1e-3),
            "fpir": 0.01,
            "comparisons": 2,
            "supported": True,
            "largest_supported": 1005,
        }
        assert (body["similarity_assessable"], body["liveness_score"]) == (True, 0.97)
        assert body["recognisability"] > 0.9
        assert answer.json()["models"]["face_embedder"] == "fake-embedder"


def test_nobody_is_an_answer() -> None:
    with serving() as served, served.client() as client:
        body = seen(client, ANN)
        assert (body["candidates"], body["subjects"]) == ([], 0)
        enrolled(served, BOB)
        assert seen(client, ANN)["candidates"] == []


def test_who_enrols_or_goes_is_known_to_the_next_search() -> None:
    with serving() as served, served.client() as client:
        assert seen(client, ANN)["candidates"] == []
        (ann,) = enrolled(served, ANN)
        assert [it["subject_id"] for it in seen(client, ANN)["candidates"]] == [ann]
        served.services.searching.feed.remove(ann, served.services.first_key.tenant_id)
        assert seen(client, ANN)["candidates"] == []


def test_other_tenants_people_are_never_candidates() -> None:
    with serving() as served, served.client() as client:
        other = TenantId("another tenant")
        served.services.searching.enrol(other, *[ANN] * 5)
        body = seen(client, ANN)
        assert (body["candidates"], body["subjects"]) == ([], 0)
        served.services.searching.enrol(other, ANN, collection="theirs")
        answer = asked(client, ANN, collection="theirs")
        assert (answer.status_code, answer.json()["code"]) == (404, "collection_not_found")


def test_a_collection_alone_is_searched() -> None:
    with serving() as served, served.client() as client:
        enrolled(served, ANN)
        (in_staff,) = enrolled(served, ANN, collection="staff")
        body = seen(client, ANN, collection="staff")
        assert [it["subject_id"] for it in body["candidates"]] == [in_staff]
        assert body["threshold"]["comparisons"] == body["subjects"] == 1


def test_candidates_are_as_many_as_wanted_and_the_rate_sets_the_threshold() -> None:
    with serving() as served, served.client() as client:
        enrolled(served, *[ANN] * 12)
        assert len(seen(client, ANN)["candidates"]) == 10
        assert len(seen(client, ANN, max_candidates="3")["candidates"]) == 3
        strict = seen(client, ANN, fpir="0.0001")["threshold"]
        assert strict["similarity"] > seen(client, ANN)["threshold"]["similarity"]
        assert (strict["supported"], strict["largest_supported"]) == (False, 10)


def test_the_rate_is_written_as_any_decimal_number() -> None:
    with serving() as served, served.client() as client:
        asked = {text: seen(client, ANN, fpir=text) for text in ("0.05", "5e-2", "5E-02", "1e-6")}
        rates = {text: body["threshold"]["fpir"] for text, body in asked.items()}
        assert rates == {"0.05": 0.05, "5e-2": 0.05, "5E-02": 0.05, "1e-6": 1e-6}


@pytest.mark.parametrize(
    "fields",
    [
        {"max_candidates": "0"},
        {"max_candidates": "101"},
        {"max_candidates": "many"},
        {"max_candidates": "-1"},
        {"fpir": "0"},
        {"fpir": "1"},
        {"fpir": "nan"},
        {"fpir": "1e999"},
        {"fpir": "rarely"},
        {"fpir": "1e-320"},
        {"fpir": "1e-7"},
        {"fpir": "1_0e-3"},
        {"fpir": "0. 01"},
        {"fpir": "-0.01"},
        {"fpir": "\uff10.\uff10\uff11"},
        {"fpir": "0x1p-7"},
        {"fpir": ""},
        {"collection": "no name!"},
        {"collection": ""},
    ],
)
def test_what_no_search_can_be_made_of_is_refused(
    client: httpx.Client, fields: dict[str, str]
) -> None:
    answer = asked(client, ANN, **fields)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")


def test_a_picture_without_a_face_is_refused(client: httpx.Client) -> None:
    answer = client.post(IDENTIFY, files={"image_file": EMPTY_SCENE})
    assert (answer.status_code, answer.json()["code"]) == (422, "no_face_detected")


def test_a_face_that_nobody_could_be_found_by_gets_an_advice_and_no_candidates() -> None:
    with serving() as served, served.client() as client:
        enrolled(served, HIDDEN)
        body = seen(client, HIDDEN)
        assert (body["candidates"], body["similarity_assessable"]) == ([], False)
        assert body["similarity_obstacle"].startswith("Show your whole face")


def test_a_pack_without_liveness_says_nothing_of_it() -> None:
    services = FakeServices(faces=FakeFaces(pad=None))
    with serving(services) as served, served.client() as client:
        body = seen(client, ANN)
        assert {key for key in body if "liveness" in key} == set()


def test_a_search_is_in_the_ledger_and_needs_the_consent() -> None:
    services = FakeServices(settings(consent="required"))
    with serving(services) as served, served.client() as client:
        assert asked(client, ANN).json()["code"] == "enduser_consent_required"
        answer = asked(client, ANN, client_declaration_enduser_consent="true")
        assert answer.status_code == 200
        assert [it.operation for it in services.ledger.entries] == [Processing.IDENTIFY] * 2


def test_a_search_that_is_being_read_or_has_no_room_says_so_before_it_looks_at_pixels() -> None:
    services = FakeServices()
    services.searching.most_bytes = 1000
    services.searching.__post_init__()
    with serving(services) as served, served.client() as client:
        enrolled(served, *[ANN] * 6)
        decoded = len(services.faces.decoded)
        answer = asked(client, ANN)
        assert (answer.status_code, answer.json()["code"]) == (503, "search_memory_exceeded")
        assert int(answer.headers["retry-after"]) > 0
        assert len(services.faces.decoded) == decoded


def test_where_machines_are_lost_the_answer_says_that_it_is_partial() -> None:
    services = FakeServices(spread=True)
    machines = services.searching.machines
    with serving(services) as served, served.client() as client:
        enrolled(served, *[ANN] * 20)
        assert seen(client, ANN)["partial"] is False
        machines.lose()
        answer = seen(client, BOB)
        assert (answer["partial"], answer["candidates"]) == (True, [])
        assert answer["subjects"] < 20
        machines.replicas[0][0].lost = True
        refused = asked(client, ANN)
        assert (refused.status_code, refused.json()["code"]) == (503, "cluster_unavailable")
        assert int(refused.headers["retry-after"]) > 0


def test_a_face_and_a_voice_together_are_partial_where_one_of_them_is() -> None:
    services = FakeServices(spread=True)
    machines = services.searching.machines
    with serving(services) as served, served.client() as client:
        services.searching.enrol_both(services.first_key.tenant_id, *[ANN] * 20)
        assert heard(client, ANN, image_file=picture(ANN))["fused"]["partial"] is False
        machines.lose()
        assert heard(client, ANN, image_file=picture(ANN))["fused"]["partial"] is True


def test_metrics_tell_what_is_in_memory() -> None:
    with serving() as served, served.client() as client:
        enrolled(served, ANN, BOB)
        asked(client, ANN)
        text = client.get("/metrics").text
        assert "perse_search_templates 2.0" in text
        assert "perse_search_loading 0.0" in text
        assert "perse_searches_total 1.0" in text
        assert float(text.split("\nperse_search_seconds_total ")[1].split()[0]) > 0


def test_the_similarity_is_what_comparing_says() -> None:
    with serving() as served, served.client() as client:
        enrolled(served, ANN)
        files = {"image_file1": picture(ANN), "image_file2": picture(ANN)}
        compared = client.post("/v0/face/compare", files=files).json()["similarity"]
        (candidate,) = seen(client, ANN)["candidates"]
        assert candidate["similarity"] == compared


def test_a_voice_is_found_among_voices() -> None:
    with serving() as served, served.client() as client:
        searching, tenant_id = served.services.searching, served.services.first_key.tenant_id
        enrolled(served, ANN)
        ann, _ = searching.enrol_voices(tenant_id, ANN, BOB)
        body = heard(client, ANN)
        assert not {"face", "fused"} & body.keys()
        voice = body["voice"]
        assert [it["subject_id"] for it in voice["candidates"]] == [ann]
        assert (voice["subjects"], voice["similarity_assessable"]) == (2, True)
        assert voice["threshold"]["largest_supported"] == 10
        assert voice["recording"]["voice_metrics"]["net_speech"] == 1.0
        assert body["models"]["speaker_embedder"] == "fake-speaker"


def test_a_recording_of_several_people_gets_an_advice_and_no_candidates() -> None:
    with serving() as served, served.client() as client:
        searching, tenant_id = served.services.searching, served.services.first_key.tenant_id
        searching.enrol_voices(tenant_id, CROWD)
        voice = heard(client, CROWD)["voice"]
        assert (voice["candidates"], voice["similarity_assessable"]) == ([], False)
        assert "one person alone" in voice["similarity_obstacle"]


def test_a_picture_and_a_recording_are_searched_for_each_by_itself() -> None:
    with serving() as served, served.client() as client:
        searching, tenant_id = served.services.searching, served.services.first_key.tenant_id
        (face,) = enrolled(served, ANN)
        (voice,) = searching.enrol_voices(tenant_id, BOB)
        body = heard(client, BOB, image_file=picture(ANN))
        assert [it["subject_id"] for it in body["face"]["candidates"]] == [face]
        assert [it["subject_id"] for it in body["voice"]["candidates"]] == [voice]
        assert (body["fused"]["candidates"], body["fused"]["similarity_assessable"]) == ([], True)


def test_whom_face_and_voice_are_of_is_found_by_both_together() -> None:
    with serving() as served, served.client() as client:
        searching, tenant_id = served.services.searching, served.services.first_key.tenant_id
        ann, _ = searching.enrol_both(tenant_id, ANN, BOB)
        enrolled(served, ANN)  # a face alone
        body = heard(client, ANN, image_file=picture(ANN))
        (candidate,) = body["fused"]["candidates"]
        feed = searching.feed
        assert (candidate["rank"], candidate["subject_id"]) == (1, ann)
        assert candidate["external_id"] == f"external {ann[:8]}"
        assert (
            candidate["similarity"] > candidate["face"]["similarity"] == pytest.approx(0.93, 1e-3)
        )
        assert candidate["voice"]["similarity"] == pytest.approx(0.7, abs=1e-3)
        samples = [feed.sample_of(ann, number, tenant_id) for number in range(2)]
        assert [candidate[it]["sample_id"] for it in ("face", "voice")] == samples
        assert body["fused"]["threshold"]["comparisons"] == body["fused"]["subjects"] == 2
        assert body["fused"]["threshold"]["largest_supported"] == 1005
        assert len(body["face"]["candidates"]) == 2
        nobody = heard(client, EVE, image_file=picture(EVE))["fused"]
        assert nobody["candidates"] == []


def test_a_face_that_tells_nothing_leaves_no_fused_candidates() -> None:
    with serving() as served, served.client() as client:
        tenant_id = served.services.first_key.tenant_id
        served.services.searching.enrol_both(tenant_id, HIDDEN)
        fused = heard(client, HIDDEN, image_file=picture(HIDDEN))["fused"]
        assert (fused["candidates"], fused["similarity_assessable"]) == ([], False)


def test_something_must_be_sent_and_a_pack_without_voices_hears_none(client: httpx.Client) -> None:
    answer = client.post(IDENTIFY, files={"fpir": (None, "0.1")})
    assert (answer.status_code, answer.json()["code"]) == (400, "form_key_missing")
    with serving(FakeServices(voices=None)) as served, served.client() as without:
        answer = without.post(IDENTIFY, files={"audio_file": recording()})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
