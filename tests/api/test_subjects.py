from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from perse.domain.consent import Declaration, Processing
from tests.fakes.faces import picture
from tests.served import Served, serving

PATH, COLLECTIONS = "/v1/subjects", "/v1/collections"
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def served() -> Iterator[Served]:
    with serving() as server:
        yield server


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with served.client() as http:
        yield http


@pytest.fixture
def other(served: Served) -> Iterator[httpx.Client]:
    """A client of another tenant."""
    _, key = served.services.keys.create("other")
    with httpx.Client(base_url=served.url, headers={"x-api-key": key}) as http:
        yield http


def make(client: httpx.Client, **details: object) -> dict[str, Any]:
    answer = client.post(PATH, json=details)
    assert answer.status_code == answer.json()["status"] == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def listed(client: httpx.Client, **query: object) -> list[str]:
    answer = client.get(PATH, params={name: str(value) for name, value in query.items()})
    assert answer.status_code == 200, answer.text
    return [subject["id"] for subject in answer.json()["subjects"]]


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_whole_life_of_a_subject(client: httpx.Client, slash: str) -> None:
    client.put(f"{COLLECTIONS}/staff{slash}")
    made = client.post(PATH + slash, json={"external_id": "a-1", "collections": ["staff"]})
    subject = made.json()
    assert made.headers["etag"] == '"1"'
    assert subject["external_id"] == "a-1"
    assert subject["collections"] == ["staff"]
    assert (subject["faces"], subject["voices"], subject["version"]) == (0, 0, 1)
    one = f"{PATH}/{subject['id']}"
    shown = client.get(one + slash)
    same = ("id", "external_id", "collections", "version", "created_at", "updated_at")
    assert [shown.json()[key] for key in same] == [subject[key] for key in same]
    assert shown.headers["etag"] == made.headers["etag"]

    changed = client.patch(one + slash, json={"external_id": None})
    assert "external_id" not in changed.json()
    assert changed.json()["collections"] == ["staff"]
    assert changed.headers["etag"] == '"2"'
    assert listed(client) == [subject["id"]]

    gone = client.delete(one + slash)
    assert gone.json()["receipt"]
    assert listed(client) == []
    for answer in (client.get(one), client.delete(one), client.patch(one, json={})):
        assert refusal(answer) == (404, "subject_not_found")


def test_a_subject_needs_no_details(client: httpx.Client) -> None:
    assert make(client)["collections"] == []
    assert "external_id" not in make(client, external_id=None, collections=None)


def test_an_external_id_stands_for_one_subject_of_a_tenant(
    client: httpx.Client, other: httpx.Client
) -> None:
    first, second = make(client, external_id="a-1"), make(client, external_id="a-2")
    assert refusal(client.post(PATH, json={"external_id": "a-1"})) == (409, "already_exists")
    taken = client.patch(f"{PATH}/{second['id']}", json={"external_id": "a-1"})
    assert refusal(taken) == (409, "already_exists")
    same = client.patch(f"{PATH}/{first['id']}", json={"external_id": "a-1"})
    assert same.status_code == 200
    assert make(other, external_id="a-1")["id"] != first["id"]
    client.delete(f"{PATH}/{first['id']}")
    assert make(client, external_id="a-1")["id"] != first["id"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"external_id": 1}',
        b'{"external_id": ""}',
        b'{"external_id": "a\\nb"}',
        b'{"external_id": "%s"}' % (b"x" * 201),
        b'{"collections": "staff"}',
        b'{"collections": [1]}',
        b'{"collections": ["no blanks"]}',
        b'{"collections": ["-"]}',
        b'{"collections": [%s]}' % b",".join(b'"c%d"' % n for n in range(21)),
        b'{"name": "Ada"}',
    ],
)
def test_details_that_are_no_good_are_refused(client: httpx.Client, body: bytes) -> None:
    assert refusal(client.post(PATH, content=body)) == (400, "invalid_parameter")
    one = f"{PATH}/{make(client)['id']}"
    assert refusal(client.patch(one, content=body)) == (400, "invalid_parameter")
    assert client.get(one).json()["version"] == 1


@pytest.mark.parametrize("shape", ["nobody", "list", NOBODY])
def test_an_id_that_is_none(client: httpx.Client, shape: str) -> None:
    one = f"{PATH}/{shape}"
    for answer in (client.get(one), client.patch(one, json={}), client.delete(one)):
        assert refusal(answer) == (404, "subject_not_found")


def test_another_tenants_subject_does_not_exist(client: httpx.Client, other: httpx.Client) -> None:
    client.put(f"{COLLECTIONS}/staff")
    one = f"{PATH}/{make(client, external_id='a-1', collections=['staff'])['id']}"
    never = [other.get(f"{PATH}/{NOBODY}"), other.delete(f"{PATH}/{NOBODY}")]
    theirs = [other.get(one), other.delete(one), other.patch(one, json={"external_id": "mine"})]
    said = {(answer.status_code, answer.json()["message"]) for answer in (*never, *theirs)}
    assert len(said) == 1
    assert listed(other) == listed(other, external_id="a-1") == []
    assert refusal(other.get(f"{COLLECTIONS}/staff")) == (404, "collection_not_found")
    assert refusal(other.delete(f"{COLLECTIONS}/staff")) == (404, "collection_not_found")
    assert client.get(one).json()["version"] == 1


def test_only_what_the_client_knows_is_changed(client: httpx.Client) -> None:
    one = f"{PATH}/{make(client)['id']}"
    known = client.get(one).headers["etag"]
    changed = client.patch(one, json={"external_id": "a-1"}, headers={"If-Match": known})
    assert changed.json()["external_id"] == "a-1"
    for tag in (known, 'W/"2"', '"other"', '"02"', '""'):
        late = client.patch(one, json={"external_id": "b"}, headers={"If-Match": tag})
        assert refusal(late) == (412, "changed_meanwhile"), tag
        assert refusal(client.delete(one, headers={"If-Match": tag})) == (412, "changed_meanwhile")
    assert client.patch(one, json={}, headers={"If-Match": "*"}).status_code == 200
    now = client.get(one).headers["etag"]
    assert client.delete(one, headers={"If-Match": now}).status_code == 200


@pytest.mark.parametrize("tag", ["3", '"3', "", '"1", "2"', "**"])
def test_what_is_no_etag_is_said_to_be_none(client: httpx.Client, tag: str) -> None:
    answer = client.patch(f"{PATH}/{NOBODY}", json={}, headers={"If-Match": tag})
    assert refusal(answer) == (400, "invalid_parameter")


def test_a_repeated_request_makes_one_subject(client: httpx.Client) -> None:
    named = {"Idempotency-Key": "form-17"}
    first = client.post(PATH, json={"external_id": "a-1"}, headers=named).json()
    again = client.post(PATH, json={"external_id": "a-1"}, headers=named).json()
    assert again["id"] == first["id"]
    other = client.post(PATH, json={"external_id": "a-2"}, headers=named)
    assert refusal(other) == (400, "invalid_parameter")
    client.delete(f"{PATH}/{first['id']}")
    late = client.post(PATH, json={"external_id": "a-1"}, headers=named)
    assert refusal(late) == (404, "subject_not_found")
    assert "deleted since" in late.json()["message"]


def test_pages(client: httpx.Client) -> None:
    ids = [make(client)["id"] for _ in range(5)]
    first = client.get(PATH, params={"limit": "2"}).json()
    second = client.get(PATH, params={"limit": "2", "cursor": first["next_cursor"]}).json()
    last = client.get(PATH, params={"limit": "2", "cursor": second["next_cursor"]}).json()
    pages = [[it["id"] for it in page["subjects"]] for page in (first, second, last)]
    assert pages == [ids[:2], ids[2:4], ids[4:]]
    assert "next_cursor" not in last


def test_a_page_goes_on_where_its_last_subject_was(client: httpx.Client) -> None:
    ids = [make(client)["id"] for _ in range(4)]
    first = client.get(PATH, params={"limit": "2"}).json()
    for gone in ids[:2]:
        client.delete(f"{PATH}/{gone}")
    assert listed(client, cursor=first["next_cursor"]) == ids[2:]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("limit", value) for value in ("0", "-1", "two", "", "1001", "9" * 5000)),
        *(("cursor", value) for value in ("", "x", "é", "MSBub2JvZHk", "9" * 5000)),
        ("cursor", "OTk5OTk5OTk5OTk5OTk5OTk5OTkgMDAwMDAwMDAtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAw"),
        *(("collection", value) for value in ("", "a b", "x" * 65)),
        *(("external_id", value) for value in ("", "x" * 201, "a\tb")),
    ],
)
def test_a_query_that_is_no_good_is_refused(client: httpx.Client, name: str, value: str) -> None:
    assert refusal(client.get(PATH, params={name: value})) == (400, "invalid_parameter")


def test_subjects_are_found_by_name_and_collection(client: httpx.Client) -> None:
    for name in ("staff", "guests"):
        client.put(f"{COLLECTIONS}/{name}")
    one = make(client, external_id="a-1", collections=["staff"])["id"]
    two = make(client, external_id="a-2", collections=["staff", "guests"])["id"]
    assert listed(client, collection="staff") == [one, two]
    assert listed(client, collection="guests") == [two]
    assert listed(client, external_id="a-1") == [one]
    assert listed(client, external_id="a-1", collection="staff") == [one]
    assert listed(client, external_id="a-1", collection="guests") == []
    assert listed(client, external_id="a-3") == []
    for query in ({"collection": "nobodys"}, {"collection": "nobodys", "external_id": "a-1"}):
        answer = client.get(PATH, params=query)
        assert refusal(answer) == (404, "collection_not_found")


def test_the_life_of_a_collection(client: httpx.Client) -> None:
    lost = client.post(PATH, json={"collections": ["staff"]})
    assert refusal(lost) == (404, "collection_not_found")
    made = client.put(f"{COLLECTIONS}/staff").json()
    assert (made["name"], made["subjects"]) == ("staff", 0)
    subject = make(client, collections=["staff"])
    assert client.put(f"{COLLECTIONS}/staff").json()["subjects"] == 1
    client.put(f"{COLLECTIONS}/guests")
    known = client.get(COLLECTIONS).json()["collections"]
    assert [it["name"] for it in known] == ["guests", "staff"]
    assert client.delete(f"{COLLECTIONS}/staff").status_code == 200
    assert refusal(client.get(f"{COLLECTIONS}/staff")) == (404, "collection_not_found")
    left = client.get(f"{PATH}/{subject['id']}").json()
    assert (left["collections"], left["version"]) == ([], 2)


@pytest.mark.parametrize("name", ["a b", "-", "é", "x" * 65])
def test_a_collections_name_needs_no_escaping(client: httpx.Client, name: str) -> None:
    for method in ("PUT", "GET", "DELETE"):
        answer = client.request(method, f"{COLLECTIONS}/{name}")
        assert refusal(answer) == (400, "invalid_parameter")


def test_a_user_of_v0_is_a_subject_with_one_face(client: httpx.Client) -> None:
    enrolled = client.post("/v0/face/enrollment", files={"image_file": picture(1)}).json()
    subject = client.get(f"{PATH}/{enrolled['user_token']}").json()
    assert (subject["faces"], subject["voices"], subject["version"]) == (1, 0, 1)
    made = make(client)["id"]
    tokens = client.get("/v0/face/enrollment/list").json()["user_tokens"]
    assert tokens == listed(client) == [enrolled["user_token"], made]
    compared = client.post(
        "/v0/face/compare", files={"image_file": picture(1)}, data={"user_token": made}
    )
    assert refusal(compared) == (422, "user_token_not_found")
    assert client.delete(f"/v0/face/enrollment/{made}").status_code == 200
    assert client.delete(f"{PATH}/{enrolled['user_token']}").status_code == 200
    assert listed(client) == []


def test_every_change_is_in_the_ledger(served: Served, client: httpx.Client) -> None:
    client.put(f"{COLLECTIONS}/staff")
    one = make(client)["id"]
    client.patch(f"{PATH}/{one}", json={"collections": ["staff"]})
    client.delete(f"{PATH}/{one}")
    client.delete(f"{COLLECTIONS}/staff")
    noted = [(e.operation, e.user_token) for e in served.services.ledger.entries]
    assert noted == [
        (Processing.COLLECTION_CHANGE, None),
        (Processing.SUBJECT_CREATE, one),
        (Processing.SUBJECT_CHANGE, one),
        (Processing.DELETE, one),
        (Processing.COLLECTION_CHANGE, None),
    ]
    said = {e.declaration for e in served.services.ledger.entries}
    assert said == {Declaration.NOT_NEEDED}


def test_nothing_is_told_without_credentials(served: Served) -> None:
    with httpx.Client(base_url=served.url) as stranger:
        for path in (PATH, COLLECTIONS, f"{PATH}/{NOBODY}", f"{COLLECTIONS}/staff"):
            assert refusal(stranger.get(path)) == (401, "unauthorized")
