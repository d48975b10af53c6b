"""The audit log over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from perse.domain.access import Permission, TenantId
from perse.domain.audit import Act, Deed
from tests.fakes.audit import FakeAuditLog
from tests.fakes.faces import picture
from tests.fakes.services import FakeServices
from tests.served import Served, serving

PATH = "/v1/audit"


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(FakeServices()) as server:
        yield server


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with served.client() as http:
        yield http


@pytest.fixture
def log(served: Served) -> FakeAuditLog:
    """Five entries of the tenant, one of another, one of the installation."""
    log, tenant = served.services.history.audit, served.services.first_key.tenant_id
    for n in range(5):
        log.note(Deed(Act.KEY_CREATE, f"key {n}", tenant, {"may": "read"}))
    log.note(Deed(Act.KEY_CREATE, "theirs", TenantId("other")))
    log.note(Deed(Act.SECRETS_ROTATE, "master key"))
    return log


def asked(client: httpx.Client, **query: str | int) -> dict[str, Any]:
    answer = client.get(PATH, params=query)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_a_tenant_sees_who_did_what_of_its_own(client: httpx.Client, log: FakeAuditLog) -> None:
    log.alone = False
    entries = asked(client)["entries"]
    assert [it["target"] for it in entries] == [f"key {n}" for n in range(5)]
    assert entries[0]["actor"] == {"kind": "command", "name": "operator@here"}
    assert (entries[0]["details"], entries[0]["outcome"]) == ({"may": "read"}, "done")
    log.alone = True
    assert asked(client)["entries"][-1]["act"] == "secrets_rotate"


def test_pages_follow_one_another(client: httpx.Client, log: FakeAuditLog) -> None:
    first = asked(client, limit=4)
    rest = asked(client, limit=4, cursor=first["next_cursor"])
    assert [it["seq"] for it in (*first["entries"], *rest["entries"])] == [1, 2, 3, 4, 5, 7]
    assert "next_cursor" not in rest
    assert asked(client, cursor=10**18 - 1)["entries"] == []


def test_entries_from_a_moment_on(client: httpx.Client, log: FakeAuditLog) -> None:
    third = log.links[2].entry.at.isoformat()
    assert [it["seq"] for it in asked(client, since=third)["entries"]] == [3, 4, 5, 7]
    assert asked(client, since="2999-12-31")["entries"] == []


@pytest.mark.parametrize(
    "query",
    [
        {"since": "yesterday"},
        {"since": "0001-01-01T00:00:00+23:00"},
        {"cursor": "0"},
        {"cursor": "9" * 19},
        {"limit": "1001"},
    ],
)
def test_what_is_no_question_is_told(client: httpx.Client, query: dict[str, str]) -> None:
    answer = client.get(PATH, params=query)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")


def test_an_entry_that_was_changed_is_told(client: httpx.Client, log: FakeAuditLog) -> None:
    link = log.links[1]
    log.links[1] = replace(link, entry=replace(link.entry, outcome="not_found"))
    assert [it["intact"] for it in asked(client, limit=3)["entries"]] == [True, False, True]


def test_only_whoever_operates_may_see_it(served: Served) -> None:
    _, reader = served.services.keys.create("reader", permissions=frozenset({Permission.READ}))
    answer = httpx.get(served.url + PATH, headers={"x-api-key": reader})
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_missing")


def test_an_export_is_written_down_with_the_key_that_asked(
    served: Served, client: httpx.Client
) -> None:
    made = client.post("/v1/subjects", json={}).json()
    client.post(f"/v1/subjects/{made['id']}/faces", files={"image_file": picture()})
    assert client.get(f"/v1/subjects/{made['id']}/export").is_success
    (entry,) = asked(client)["entries"]
    assert (entry["act"], entry["target"]) == ("subject_export", made["id"])
    assert entry["actor"] == {"kind": "key", "name": served.services.first_key.key_id}
