"""How the installation is, as its operator's page asks."""

from __future__ import annotations

import httpx

from perse.bootstrap.examination import Finding, State
from tests.fakes.faces import EMPTY_SCENE, picture
from tests.fakes.services import FakeServices
from tests.served import Served, serving

PATH = "/v1/status"


def test_answers_are_counted_by_status_and_errors_by_code(client: httpx.Client) -> None:
    before = client.get(PATH).json()
    for scene in (picture(), EMPTY_SCENE):
        files = {"image_file1": picture(), "image_file2": scene}
        client.post("/v0/face/compare", files=files)
    client.get("/nowhere")
    after = client.get(PATH).json()
    grown = {
        kind: {
            key: count - before[kind].get(key, 0)
            for key, count in after[kind].items()
            if count != before[kind].get(key, 0)
        }
        for kind in ("answers", "errors")
    }
    # The first look at it is counted in the second.
    assert grown["answers"] == {"200": 2, "404": 1, "422": 1}
    assert grown["errors"] == {"no_face_detected": 1, "not_found": 1}


def test_networks_are_told_with_licence_and_origin(client: httpx.Client) -> None:
    networks = {it["name"]: it for it in client.get(PATH).json()["networks"]}
    assert networks["perse_pad"]["origin"] == "ships with perse"
    assert networks["yunet_2023mar"]["origin"].startswith("https://")
    assert networks["sface"]["role"] == "face_embedder"
    assert all(it["licence"]["weights"] for it in networks.values())


def test_load_and_search_are_totals(served: Served, client: httpx.Client) -> None:
    client.post("/v1/identify", files={"image_file": picture()})
    told = client.get(PATH).json()
    assert told["load"] == {"workers": 2, "busy": 0, "waiting": 0, "in_flight": 1}
    assert told["search"]["loading"] == 0
    assert told["search"].keys() == {"templates", "bytes", "loading", "searches"}
    assert (told["ready"], told["pack"]) == (True, served.services.pack)
    assert told["uptime_s"] > 0


def test_what_the_doctor_finds_is_told() -> None:
    findings = (
        Finding("weights", State.WARNING, "pack fake, without liveness"),
        Finding("database", State.FAILED, "no active API key"),
    )
    with serving(FakeServices(findings=findings)) as served, served.client() as client:
        told = client.get(PATH).json()["findings"]
    assert told == [
        {"name": "weights", "state": "warning", "sentence": "pack fake, without liveness"},
        {"name": "database", "state": "failed", "sentence": "no active API key"},
    ]
