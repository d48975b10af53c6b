"""What was done with a subject's data, and all that is held of it, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.fakes.faces import picture
from tests.served import Served, serving

SUBJECTS = "/v1/subjects"
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
def one(client: httpx.Client) -> str:
    """The path of a subject with a face."""
    made = client.post(SUBJECTS, json={"external_id": "account-4711"}).json()
    path = f"{SUBJECTS}/{made['id']}"
    data = {"client_declaration_enduser_consent": "true"}
    assert client.post(f"{path}/faces", files={"image_file": picture()}, data=data).is_success
    return path


def ledger(client: httpx.Client, one: str, **query: str | int) -> dict[str, Any]:
    answer = client.get(f"{one}/ledger", params=query)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_a_subject_is_told_what_was_done_and_by_whom(
    served: Served, client: httpx.Client, one: str
) -> None:
    told = ledger(client, one)
    done = [(it["operation"], it["declaration"]) for it in told["entries"]]
    assert done == [("subject_create", "not_needed"), ("face_enrol", "given")]
    assert {it["key_id"] for it in told["entries"]} == {served.services.first_key.key_id}
    assert all(it["intact"] for it in told["entries"])
    assert told.keys().isdisjoint({"chain", "next_cursor"})


def test_pages_follow_one_another(client: httpx.Client, one: str) -> None:
    first = ledger(client, one, limit=1)
    second = ledger(client, one, limit=1, cursor=first["next_cursor"])
    assert [it["operation"] for it in first["entries"] + second["entries"]] == [
        *("subject_create", "face_enrol")
    ]
    assert "next_cursor" not in second
    for wrong in ({"limit": 0}, {"cursor": "x"}, {"check_chain": "yes"}):
        refused = client.get(f"{one}/ledger", params=wrong)
        assert refused.json()["code"] == "invalid_parameter"


def test_a_changed_entry_and_a_torn_chain_are_told(
    served: Served, client: httpx.Client, one: str
) -> None:
    links = served.services.ledger.links
    links[1] = replace(links[1], entry=replace(links[1].entry, declaration="absent"))
    told = ledger(client, one, check_chain="true")
    assert [it["intact"] for it in told["entries"]] == [True, False]
    assert told["chain"]["whole"] is False
    assert "entry 2 was changed" in told["chain"]["problems"][0]


def test_a_whole_chain_is_told_and_checked_once_a_minute(
    served: Served, client: httpx.Client, one: str
) -> None:
    chain = ledger(client, one, check_chain="true")["chain"]
    assert (chain["whole"], chain["problems"]) == (True, [])
    served.services.ledger.links.pop(0)
    assert ledger(client, one, check_chain="true")["chain"] == chain


def test_the_ledger_outlives_its_subject_and_an_export_tells_what_is_left(
    client: httpx.Client, one: str
) -> None:
    receipt = client.delete(one).json()["receipt"]
    assert [it["operation"] for it in ledger(client, one)["entries"]][-1] == "face_delete"
    exported = client.get(f"{one}/export").json()
    assert (exported["subjects"], exported["receipts"]) == ([], [receipt])


def test_an_export_holds_everything_and_is_written_down(client: httpx.Client, one: str) -> None:
    exported = client.get(f"{one}/export").json()
    (held,) = exported["subjects"]
    (face,) = held["samples"]
    assert held["external_id"] == "account-4711"
    assert face["template"]["values"]
    assert len(exported["consent_ledger"]) == 2
    assert "null" not in str(exported)
    assert "None" not in str(exported)
    last = ledger(client, one)["entries"][-1]
    assert (last["operation"], last["intact"]) == ("subject_export", True)


def test_nobody_and_another_tenants_subject_are_the_same_nothing(
    served: Served, client: httpx.Client, one: str
) -> None:
    _, key = served.services.keys.create("other")
    with httpx.Client(base_url=served.url, headers={"x-api-key": key}) as other:
        for part in ("ledger", "export"):
            theirs = other.get(f"{one}/{part}")
            never = other.get(f"{SUBJECTS}/{NOBODY}/{part}")
            assert theirs.status_code == never.status_code == 404
            assert theirs.json() == never.json()
