from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest

from perse.domain.consent import Declaration, Processing
from tests.fakes.faces import BRIGHT, DARK, EMPTY_SCENE, HIDDEN, picture
from tests.fakes.services import FakeServices
from tests.fakes.subject_services import MOST
from tests.fakes.voices import CROWD, SILENCE, recording
from tests.served import Served, serving

PATH = "/v1/subjects"
CONSENT = "client_declaration_enduser_consent"
NOBODY = "00000000-0000-4000-8000-000000000000"
KINDS: Mapping[str, tuple[str, Callable[[int], bytes]]] = {
    "faces": ("image_file", picture),
    "voices": ("audio_file", recording),
}


@pytest.fixture
def served() -> Iterator[Served]:
    with serving() as server:
        yield server


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with served.client() as http:
        yield http


@pytest.fixture
def one(client: httpx.Client) -> str:
    return f"{PATH}/{client.post(PATH, json={}).json()['id']}"


def send(client: httpx.Client, path: str, identity: int = 1, **headers: str) -> httpx.Response:
    field, content = KINDS[path.rstrip("/").rpartition("/")[2]]
    return client.post(path, files={field: content(identity)}, headers=headers)


def add(client: httpx.Client, path: str, identity: int = 1) -> dict[str, Any]:
    answer = send(client, path, identity)
    assert answer.status_code == 200, answer.text
    added: dict[str, Any] = answer.json()
    return added


def ids(client: httpx.Client, path: str) -> list[str]:
    kind = path.rpartition("/")[2]
    return [sample["id"] for sample in client.get(path).json()[kind]]


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_life_of_a_sample(client: httpx.Client, one: str, kind: str, slash: str) -> None:
    path = f"{one}/{kind}"
    added = add(client, path + slash)
    (listed,) = client.get(path + slash).json()[kind]
    assert listed == {key: added[key] for key in ("id", "model", "quality", "created_at")}
    subject = client.get(one).json()
    assert (subject[kind], subject["version"]) == (1, 2)
    assert subject["updated_at"] == added["created_at"]
    second = add(client, path)["id"]
    assert ids(client, path) == [added["id"], second]
    gone = client.delete(f"{path}/{added['id']}{slash}")
    assert gone.json()["receipt"]
    assert ids(client, path) == [second]
    again = client.delete(f"{path}/{added['id']}")
    assert refusal(again) == (404, "sample_not_found")


def test_what_is_kept_of_the_quality(client: httpx.Client, one: str) -> None:
    assert set(add(client, f"{one}/faces")["quality"]) == {
        *("underexposure", "overexposure", "sharpness", "color", "rotation", "recognisability")
    }
    assert set(add(client, f"{one}/voices")["quality"]) == {
        *("net_speech", "signal_to_noise", "clipping", "bandwidth", "decoded_s", "agreement")
    }


@pytest.mark.parametrize("kind", KINDS)
def test_the_oldest_gives_way_to_the_newest(
    served: Served, client: httpx.Client, one: str, kind: str
) -> None:
    path = f"{one}/{kind}"
    added = [add(client, path) for _ in range(MOST)]
    assert all("displaced_receipt" not in it for it in added)
    newest = add(client, path)
    assert ids(client, path) == [it["id"] for it in (*added[1:], newest)]
    (receipt,) = served.services.references.receipts
    assert newest["displaced_receipt"] == receipt.jws
    claims = json.loads(receipt.jws.removeprefix("signed."))
    assert (claims["event"], claims["destroyed"]["templates"]) == ("sample_deleted", 1)


@pytest.mark.parametrize(
    ("kind", "content", "status", "code"),
    [
        ("faces", picture(DARK), 422, "image_underexposed"),
        ("faces", picture(BRIGHT), 422, "image_overexposed"),
        ("faces", picture(HIDDEN), 422, "image_unusable"),
        ("faces", EMPTY_SCENE, 422, "no_face_detected"),
        ("faces", recording(), 415, "invalid_file_type"),
        ("voices", SILENCE, 422, "no_speech_detected"),
        ("voices", recording(CROWD), 422, "recording_unusable"),
        ("voices", picture(), 415, "invalid_file_type"),
    ],
)
def test_what_cannot_be_enrolled_is_refused_and_written_down(
    served: Served,
    client: httpx.Client,
    one: str,
    kind: str,
    content: bytes,
    status: int,
    code: str,
) -> None:
    answer = client.post(f"{one}/{kind}", files={KINDS[kind][0]: content})
    assert refusal(answer) == (status, code)
    assert ids(client, f"{one}/{kind}") == []
    last = served.services.ledger.entries[-1]
    expected = Processing.ENROL if kind == "faces" else Processing.VOICE_ENROL
    assert (last.operation, last.user_token) == (expected, one.rpartition("/")[2])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("declared", "expected"),
    [("true", Declaration.GIVEN), (None, Declaration.ABSENT), ("false", Declaration.REFUSED)],
)
def test_every_sample_is_in_the_ledger_with_its_consent(
    served: Served, kind: str, declared: str | None, expected: Declaration
) -> None:
    with served.client() as client:
        token = client.post(PATH, json={}).json()["id"]
        field, content = KINDS[kind]
        data = {} if declared is None else {CONSENT: declared}
        answer = client.post(f"{PATH}/{token}/{kind}", files={field: content(1)}, data=data)
    last = served.services.ledger.entries[-1]
    assert (last.declaration, last.user_token) == (expected, token)
    assert len(served.services.ledger.entries) == 2
    if expected is Declaration.REFUSED:
        assert refusal(answer) == (400, "enduser_consent_required")
    else:
        assert answer.status_code == 200


def test_several_recordings_count_together(client: httpx.Client, one: str) -> None:
    path = f"{one}/voices"
    first = client.post(path, files={"audio_file": recording(1, seconds=2)}).json()
    assert (first["net_speech_total"], first["net_speech_wanted"]) == (2.0, 5.0)
    assert not first["net_speech_enough"]
    assert first["guidance"] == "Record 3.0 s more of this person speaking."
    second = client.post(path, files={"audio_file": recording(1, seconds=4)}).json()
    assert (second["net_speech_total"], second["net_speech_enough"]) == (6.0, True)
    assert second["guidance"] == ""
    client.delete(f"{path}/{second['id']}")
    left = client.get(path).json()
    assert (left["net_speech_total"], left["net_speech_enough"]) == (2.0, False)


@pytest.mark.parametrize("kind", KINDS)
def test_a_repeated_request_adds_one_sample(client: httpx.Client, one: str, kind: str) -> None:
    path, named = f"{one}/{kind}", {"Idempotency-Key": "form-17"}
    first = send(client, path, 1, **named).json()
    again = send(client, f"{path}/", 1, **named).json()
    assert again["id"] == first["id"]
    assert ids(client, path) == [first["id"]]
    another_sample = send(client, path, 2, **named)
    another_subject = f"{PATH}/{client.post(PATH, json={}).json()['id']}/{kind}"
    for other in (another_sample, send(client, another_subject, 1, **named)):
        assert refusal(other) == (400, "invalid_parameter")
    client.delete(f"{path}/{first['id']}")
    assert refusal(send(client, path, 1, **named)) == (404, "sample_not_found")
    assert ids(client, path) == []


def test_a_sample_is_of_its_kind(client: httpx.Client, one: str) -> None:
    face = add(client, f"{one}/faces")["id"]
    for path in (f"{one}/voices/{face}", f"{one}/faces/{NOBODY}", f"{one}/faces/nobody"):
        assert refusal(client.delete(path)) == (404, "sample_not_found")
    assert ids(client, f"{one}/faces") == [face]


def test_the_face_of_a_user_of_v0_goes_by_the_users_token(client: httpx.Client) -> None:
    sent = {"image_file": picture(1)}
    token = client.post("/v0/face/enrollment", files=sent).json()["user_token"]
    faces = f"{PATH}/{token}/faces"
    assert ids(client, faces) == [token]
    newer = add(client, faces, 1)["id"]
    data = {"user_token": token}
    compared = client.post("/v0/face/compare", files=sent, data=data)
    assert compared.json()["similarity"] > 0.8
    client.put("/v0/face/enrollment", files={"image_file": picture(3)}, data=data)
    assert ids(client, faces) == [token]
    assert newer != token
    assert client.delete(f"{faces}/{token}").status_code == 200
    gone = client.post("/v0/face/compare", files=sent, data=data)
    assert refusal(gone) == (422, "user_token_not_found")


def test_another_tenants_samples_do_not_exist(served: Served, client: httpx.Client) -> None:
    one = f"{PATH}/{client.post(PATH, json={}).json()['id']}"
    face = add(client, f"{one}/faces")["id"]
    _, key = served.services.keys.create("other")
    with httpx.Client(base_url=served.url, headers={"x-api-key": key}) as other:
        mine = f"{PATH}/{other.post(PATH, json={}).json()['id']}"
        asked = [
            send(other, f"{path}/faces") for path in (one, f"{PATH}/{NOBODY}", f"{PATH}/nobody")
        ]
        asked += [other.get(f"{one}/faces"), other.delete(f"{one}/faces/{face}")]
        assert {refusal(answer) for answer in asked} == {(404, "subject_not_found")}
        stolen = other.delete(f"{mine}/faces/{face}")
        assert refusal(stolen) == (404, "sample_not_found")
    assert len(served.services.faces.decoded) == 1
    assert ids(client, f"{one}/faces") == [face]


def others(served: Served, *identities: int, collection: str = "") -> list[str]:
    """Subjects that a search finds, with faces and voices of these people."""
    searching, tenant_id = served.services.searching, served.services.first_key.tenant_id
    return [
        *searching.enrol(tenant_id, *identities, collection=collection),
        *searching.enrol_voices(tenant_id, *identities),
    ]


def ask(client: httpx.Client, path: str, identity: int = 1, **data: str) -> httpx.Response:
    field, content = KINDS[path.rpartition("/")[2]]
    return client.post(path, files={field: content(identity)}, data=data)


def once_searched(
    client: httpx.Client, path: str, identity: int = 1, **data: str
) -> httpx.Response:
    """As ``ask``, when what is searched has been read."""
    answer = ask(client, path, identity, **data)
    while answer.status_code == 503:
        assert answer.json()["code"] == "index_loading"
        answer = ask(client, path, identity, **data)
    return answer


@pytest.mark.parametrize(("kind", "found"), [("faces", 0), ("voices", 1)])
def test_a_duplicate_is_reported_and_kept(
    served: Served, client: httpx.Client, one: str, kind: str, found: int
) -> None:
    known, path = others(served, 7), f"{one}/{kind}"
    fpir = "0.5" if kind == "voices" else "0.01"
    said = once_searched(client, path, 7, on_duplicate="report", fpir=fpir).json()
    (candidate,) = said["duplicates"]["candidates"]
    assert candidate["subject_id"] == known[found]
    assert candidate["similarity"] >= said["duplicates"]["threshold"]["similarity"]
    assert ids(client, path) == [said["id"]]
    nobody = ask(client, path, 8, on_duplicate="report", fpir=fpir).json()
    assert nobody["duplicates"]["candidates"] == []
    assert "duplicates" not in ask(client, path, 7).json()
    assert "duplicates" not in ask(client, path, 7, on_duplicate="allow").json()


def test_a_duplicate_is_refused_and_nothing_kept(
    served: Served, client: httpx.Client, one: str
) -> None:
    known, path = others(served, 7), f"{one}/faces"
    refused = once_searched(client, path, 7, on_duplicate="refuse")
    assert refusal(refused) == (409, "already_exists")
    assert known[0] in refused.json()["message"]
    assert ids(client, path) == []
    assert served.services.ledger.entries[-1].operation == Processing.ENROL
    kept = ask(client, path, 8, on_duplicate="refuse").json()
    assert kept["duplicates"]["candidates"] == []
    assert ids(client, path) == [kept["id"]]


def test_duplicates_are_looked_for_where_it_is_asked(
    served: Served, client: httpx.Client, one: str
) -> None:
    client.put("/v1/collections/staff")
    others(served, 7)
    others(served, 8, collection="staff")
    path = f"{one}/faces"
    elsewhere = once_searched(client, path, 7, on_duplicate="refuse", collection="staff")
    assert elsewhere.json()["duplicates"]["candidates"] == []
    refused = ask(client, path, 8, on_duplicate="refuse", collection="staff")
    assert refusal(refused) == (409, "already_exists")
    decoded = len(served.services.faces.decoded)
    nowhere = ask(client, path, 7, on_duplicate="refuse", collection="nobodys")
    assert refusal(nowhere) == (404, "collection_not_found")
    for data in ({"on_duplicate": "ask"}, {"on_duplicate": "report", "fpir": "2"}):
        assert refusal(ask(client, path, 7, **data)) == (400, "invalid_parameter")
    assert len(served.services.faces.decoded) == decoded


def test_without_voice_networks_no_voice_is_added() -> None:
    with serving(FakeServices(voices=None)) as served, served.client() as client:
        one = f"{PATH}/{client.post(PATH, json={}).json()['id']}"
        answer = send(client, f"{one}/voices")
        assert refusal(answer) == (404, "not_found")
        assert "compare no voices" in answer.json()["message"]


def test_where_not_everybody_can_be_looked_at_a_duplicate_cannot_be_ruled_out() -> None:
    services = FakeServices(spread=True)
    with serving(services) as served, served.client() as client:
        path = f"{PATH}/{client.post(PATH, json={}).json()['id']}/faces"
        others(served, *[7] * 20)
        services.searching.machines.lose()
        reported = ask(client, path, 8, on_duplicate="report").json()
        assert reported["duplicates"]["partial"] is True
        kept = ids(client, path)
        assert refusal(ask(client, path, 8, on_duplicate="refuse")) == (503, "cluster_unavailable")
        assert refusal(ask(client, path, 7, on_duplicate="refuse")) == (409, "already_exists")
        assert ids(client, path) == kept
