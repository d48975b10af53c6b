"""Quotas over HTTP: what is refused, how it is told, and where one sees how much is used."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from perse.auth.api_keys import utc_now
from perse.domain.quotas import Quota
from perse.pipelines.quotas import Allowances
from tests.fakes.faces import picture
from tests.fakes.services import FakeServices, settings
from tests.served import Served, serving
from tests.storage.conftest import open_at

LIST, DETECT, V1 = "/v0/face/enrollment/list", "/v0/face/detect", "/v1/subjects"


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(FakeServices()) as server:
        yield server


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with served.client() as http:
        yield http


def limit(served: Served, quota: Quota, most: int) -> None:
    tenant_id = served.services.first_key.tenant_id
    served.services.quota_counts.set(tenant_id, quota, most)


def test_requests_beyond_the_quota_are_refused_in_one_shape(
    served: Served, client: httpx.Client
) -> None:
    limit(served, Quota.REQUESTS_PER_DAY, 3)
    answers = [client.get(V1) for _ in range(5)]
    assert [it.status_code for it in answers] == [200] * 3 + [429] * 2
    told = answers[-1].json()
    assert told.keys() == {"code", "message", "status"}
    assert (told["code"], told["status"]) == ("quota_exceeded", 429)
    assert "quota is 3 requests per day" in told["message"]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 86_401


def test_clients_of_the_contract_are_told_in_its_words(
    served: Served, client: httpx.Client
) -> None:
    limit(served, Quota.REQUESTS_PER_DAY, 0)
    answer = client.get(LIST)
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert "quota is 0 requests per day" in answer.json()["message"]
    assert "Retry-After" in answer.headers


def test_another_tenant_is_not_asked_for_it(served: Served, client: httpx.Client) -> None:
    limit(served, Quota.REQUESTS_PER_DAY, 0)
    _, other = served.services.keys.create("other")
    assert httpx.get(served.url + V1, headers={"x-api-key": other}).status_code == 200


def test_uploads_are_refused_once_their_bytes_are_used(
    served: Served, client: httpx.Client
) -> None:
    content = picture()
    limit(served, Quota.UPLOAD_BYTES_PER_DAY, len(content) + 1)
    answers = [client.post(DETECT, files={"image_file": content}) for _ in range(4)]
    assert [it.status_code for it in answers] == [200, 429, 429, 429]
    assert client.get(LIST).status_code == 200  # which uploads nothing


def test_a_tenant_sees_what_it_used(served: Served, client: httpx.Client) -> None:
    limit(served, Quota.REQUESTS_PER_DAY, 1000)
    limit(served, Quota.PEOPLE, 7)
    told = client.get("/v1/usage").json()["usage"]
    by_name = {it["quota"]: it for it in told}
    assert by_name.keys() == {"requests_per_day", "people", "samples"}
    day = by_name["requests_per_day"]
    assert (day["most"], 1 <= day["used"] <= 50) == (1000, True)
    assert day["resets_at"].endswith("T00:00:00Z")
    assert by_name["people"] == {"quota": "people", "used": 0, "most": 7}
    assert by_name["samples"] == {"quota": "samples", "used": 0}


def test_a_refusal_is_counted_by_its_code_without_a_tenants_name(
    served: Served, client: httpx.Client
) -> None:
    limit(served, Quota.REQUESTS_PER_DAY, 0)
    client.get(V1)
    text = httpx.get(f"{served.url}/metrics").text
    assert 'perse_http_errors_total{code="quota_exceeded"} 1.0' in text
    assert 'perse_quota_refusals_total{quota="requests_per_day"} 1.0' in text
    assert served.services.first_key.tenant_id not in text


def test_a_flood_at_two_servers_ends_at_one_quota_and_another_tenant_does_not_feel_it(
    tmp_path: Path,
) -> None:
    """With the counts of a database that both share."""
    services = FakeServices(settings(queue_size=100))
    flood, (_, other) = services.api_key, services.keys.create("other")
    with open_at(f"sqlite:///{tmp_path / 'perse.db'}", tmp_path) as storage, ExitStack() as stack:
        for key in services.store.all():
            storage.keys.add(key)
        storage.quotas.set(services.first_key.tenant_id, Quota.REQUESTS_PER_DAY, 40)
        both = [services, FakeServices(settings(queue_size=100))]
        for it in both:
            it.authenticator = services.authenticator
            it.quotas = Allowances(storage.quotas, utc_now)
        urls = [stack.enter_context(serving(it)).url for it in both]

        def status(n: int, key: str) -> int:
            return httpx.get(urls[n % 2] + V1, headers={"x-api-key": key}, timeout=60).status_code

        with ThreadPoolExecutor(8) as many:
            flooded = list(many.map(lambda n: status(n, flood), range(150)))
            others = list(many.map(lambda n: status(n, other), range(30)))
    assert (flooded.count(200), flooded.count(429)) == (40, 110)
    assert others == [200] * 30
