"""What took how long: for operators in the metrics, for known callers in ``Server-Timing``."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from perse.api.telemetry.metrics import Metrics
from perse.stages import Stage
from tests.fakes.faces import picture
from tests.fakes.services import FakeServices, settings
from tests.served import Served, serving

DETECT = "/v0/face/detect"
CONSENT = {"client_declaration_enduser_consent": "true"}


def timings(answer: httpx.Response) -> dict[str, float]:
    """Name -> ms, of the header as W3C Server Timing has it."""
    parts = re.findall(r"([a-z]+);dur=([\d.]+)(?:, |$)", answer.headers["server-timing"])
    return {name: float(ms) for name, ms in parts}


def detection(client: httpx.Client) -> httpx.Response:
    return client.post(DETECT, files={"image_file": picture()}, data=CONSENT)


def test_an_answer_says_what_its_stages_took_and_the_whole(client: httpx.Client) -> None:
    answer = detection(client)
    told = timings(answer)
    assert set(told) == {"queue", "decode", "detect", "store", "total"}
    assert answer.json()["time_taken"] * 1000 <= told["total"] + 0.01
    assert told["decode"] + told["detect"] <= told["total"]


def test_an_answer_that_took_no_computing_says_nothing(client: httpx.Client) -> None:
    for path in ("/v1/subjects", "/v1/collections", "/v1/status"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "server-timing" not in answer.headers


def test_a_refusal_says_nothing_whoever_asks(client: httpx.Client, served: Served) -> None:
    unknown = {"user_token": "00000000-0000-4000-8000-000000000000"}
    refusals = [
        client.post(DETECT, files={"image_file": b"no picture"}, data=CONSENT),
        client.post(
            "/v0/face/verification",
            files={"image_file": picture()},
            data=CONSENT | unknown,
        ),
        httpx.post(f"{served.url}{DETECT}", files={"image_file": picture()}, data=CONSENT),
        httpx.get(f"{served.url}/version"),
    ]
    assert [answer.status_code // 100 for answer in refusals] == [4, 4, 4, 2]
    assert not any("server-timing" in answer.headers for answer in refusals)


@pytest.fixture
def silent() -> Iterator[Served]:
    with serving(FakeServices(settings(server_timing=False))) as served:
        yield served


def test_an_operator_may_keep_it_to_himself(silent: Served) -> None:
    with silent.client() as client:
        assert "server-timing" not in detection(client).headers


def test_pages_of_other_origins_may_read_it(client: httpx.Client) -> None:
    answer = client.get("/version", headers={"Origin": "https://shop.example"})
    assert "Server-Timing" in answer.headers["access-control-expose-headers"]


def stage_counts(served: Served) -> dict[str, float]:
    told = httpx.get(f"{served.url}/metrics").text
    found = re.findall(r'^perse_stage_seconds_count\{stage="(\w+)"\} (\S+)', told, re.MULTILINE)
    return {stage: float(count) for stage, count in found}


def test_metrics_have_a_histogram_for_each_stage_from_the_start(served: Served) -> None:
    assert set(stage_counts(served)) == {stage.value for stage in Stage}


def test_metrics_count_each_stage_that_a_request_passes(
    served: Served, client: httpx.Client
) -> None:
    before = stage_counts(served)
    detection(client)
    after = stage_counts(served)
    passed = {stage: after[stage] - before[stage] for stage in after}
    assert (passed["decode"], passed["detect"]) == (1, 1)
    assert passed["queue"] >= 1


def test_a_stage_is_counted_in_seconds() -> None:
    metrics = Metrics()
    metrics.stages.passed(Stage.EMBED, 0.02)
    counted = {
        tuple(it.labels.values()): it.value
        for it in metrics.counted().samples
        if it.name == "perse_stage_seconds_bucket" and it.labels["stage"] == "embed"
    }
    assert counted["embed", "0.01"] == 0
    assert counted["embed", "0.025"] == 1
