"""What a collector is told of requests, and that it can hold up none."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.abc import MetaPathFinder
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from perse.api.telemetry.otlp import OtlpTracer
from perse.api.telemetry.tracing import check_traces
from perse.errors import SettingsInvalid
from perse.settings import load_settings
from perse.stages import Passage, Stage
from tests.collector import Collector, collecting
from tests.fakes.faces import picture
from tests.fakes.services import FakeServices, settings
from tests.nginx import free_port
from tests.served import Served, serving
from tests.serving_processes import until

DETECT = "/v0/face/detect"
IN_VAIN_S = 0.5  # is tried, where nobody collects
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00"
FACTS = {"request_id": "a", "method": "POST", "route": DETECT, "status": 200, "bytes_in": 9}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


@pytest.fixture(scope="module")
def traced(collector: Collector) -> Iterator[tuple[Served, list[Any]]]:
    with capture_logs() as logs, serving(FakeServices(settings(traces=collector.url))) as served:
        yield served, logs


def detect(served: Served, **headers: str) -> httpx.Response:
    with served.client() as client:
        return client.post(DETECT, files={"image_file": ("anna.jpg", picture())}, headers=headers)


def test_a_request_goes_on_with_its_senders_trace(
    traced: tuple[Served, list[Any]], collector: Collector
) -> None:
    served, logs = traced
    answer = detect(served, traceparent=SAMPLED)
    whole, *parts = collector.trace(TRACE)
    assert (whole.name, whole.parent_id, whole.failed) == (f"POST {DETECT}", PARENT, False)
    assert whole.attributes["http.route"] == DETECT
    assert whole.attributes["http.response.status_code"] == 200
    assert whole.attributes["http.response.body.size"] == len(answer.content)
    assert whole.attributes["perse.request_id"] == answer.headers["x-request-id"]
    assert (whole.attributes["service.name"], whole.attributes["perse.pack"]) == ("perse", "fake")
    assert {part.name for part in parts} == {"queue", "decode", "detect", "store"}
    assert {part.parent_id for part in parts} == {whole.span_id}
    assert all(whole.began_ns <= it.began_ns <= it.ended_ns <= whole.ended_ns for it in parts)
    assert logs[-1]["trace_id"] == TRACE


def test_a_request_without_a_trace_begins_one_that_its_log_line_names(
    traced: tuple[Served, list[Any]], collector: Collector
) -> None:
    served, logs = traced
    detect(served)
    whole, *_ = collector.trace(logs[-1]["trace_id"])
    assert whole.parent_id == ""


def test_nothing_that_somebody_sent_is_told(
    traced: tuple[Served, list[Any]], collector: Collector
) -> None:
    served, logs = traced
    with served.client() as client:
        client.get("/v0/face/enrollment/anna-token?name=anna", headers={"User-Agent": "anna"})
    collector.trace(logs[-1]["trace_id"])
    told = b" ".join(collector.bodies)
    assert b"/v0/face/enrollment/{" in told
    for secret in ("anna", served.services.api_key, "fake picture", "127.0.0.1"):
        assert secret.encode() not in told


@pytest.mark.parametrize("given", ["00-zz-b7ad6b7169203331-01", "anna", "", f"00-{TRACE}-0-01"])
def test_a_header_that_is_none_begins_a_trace(traced: tuple[Served, list[Any]], given: str) -> None:
    served, logs = traced
    assert detect(served, traceparent=given).status_code == 200
    assert logs[-1]["trace_id"] not in (TRACE, "0" * 32)


def test_spans_made_and_delivered_are_counted(
    traced: tuple[Served, list[Any]], collector: Collector
) -> None:
    served, logs = traced
    detect(served)
    collector.trace(logs[-1]["trace_id"])

    def told() -> dict[str, float]:
        lines = httpx.get(f"{served.url}/metrics").text.splitlines()
        found = (line.rsplit(" ", 1) for line in lines if line.startswith("perse_spans"))
        return {name: float(value) for name, value in found}

    until(lambda: told()["perse_spans_delivered_total"] >= 4)
    assert told()["perse_spans_total"] >= told()["perse_spans_delivered_total"]


def tracer(url: str, share: float = 1.0, close_s: float = 30.0) -> OtlpTracer:
    return OtlpTracer(url, share, version="1", pack="fake", close_s=close_s)


def test_whoever_asks_decides_whether_a_request_is_traced_and_otherwise_the_share(
    collector: Collector,
) -> None:
    none, all_ = tracer(collector.url, 0.0), tracer(collector.url, 1.0)
    asked, unasked = ([(b"traceparent", it.encode())] for it in (SAMPLED, UNSAMPLED))
    assert [none.begin(it).wanted for it in ([], asked, unasked)] == [False, True, False]
    assert [all_.begin(it).wanted for it in ([], asked, unasked)] == [True, True, False]
    assert none.begin([]).trace_id != "0" * 32
    none.begin([]).end(FACTS, [])
    assert none.made == 0
    for one in (none, all_):
        one.close()


def test_nothing_else_that_a_stranger_sends_is_handed_on(collector: Collector) -> None:
    own = tracer(collector.url)
    headers = [(b"traceparent", SAMPLED.encode()), (b"tracestate", b"x=somebody@example.com")]
    own.begin(headers).end(FACTS, [])
    own.close()
    (span,) = collector.trace(TRACE)
    assert "somebody" not in str(span)


def test_closing_sends_what_waits_each_stage_within_the_one_that_it_was_a_part_of(
    collector: Collector,
) -> None:
    own = tracer(collector.url)
    one = own.begin([])
    now_s = time.perf_counter()
    compare = Passage(Stage.COMPARE, now_s, None, now_s + 0.5)
    store = Passage(Stage.STORE, now_s + 0.1, compare, now_s + 0.4)
    statement = Passage(
        Stage.STORE, now_s + 0.2, store, now_s + 0.3, detail="SELECT x FROM y WHERE z = ?"
    )
    one.end({**FACTS, "status": 500, "code": "internal_error"}, [statement, store, compare])
    own.close()
    spans = {span.name: span for span in collector.trace(one.trace_id)}
    whole = spans[f"POST {DETECT}"]
    assert whole.failed
    assert whole.attributes["error.type"] == "internal_error"
    assert spans["compare"].parent_id == whole.span_id
    assert spans["store"].parent_id == spans["compare"].span_id
    assert spans["SELECT"].parent_id == spans["store"].span_id
    assert spans["SELECT"].attributes["db.query.text"] == "SELECT x FROM y WHERE z = ?"
    assert spans["SELECT"].ended_ns - spans["SELECT"].began_ns == pytest.approx(1e8, abs=1e5)
    assert own.made == 4 == own.delivered


def test_what_waits_is_sent_when_the_server_ends(collector: Collector) -> None:
    with capture_logs() as logs, serving(FakeServices(settings(traces=collector.url))) as served:
        detect(served)
    assert {span.trace_id for span in collector.spans} >= {logs[-1]["trace_id"]}


@pytest.mark.parametrize("status", [400, 503])
def test_a_collector_that_refuses_costs_spans_and_no_request(status: int) -> None:
    with collecting() as collector:
        collector.status = status
        own = tracer(collector.url, close_s=IN_VAIN_S)
        own.begin([]).end(FACTS, [])
        own.close()
    assert (own.made, own.delivered) == (1, 0)


def test_requests_are_answered_while_nobody_collects() -> None:
    gone = f"http://127.0.0.1:{free_port()}"
    with serving(FakeServices(settings(traces=gone))) as served:
        assert [detect(served).status_code for _ in range(3)] == [200] * 3


def test_what_the_queue_has_no_room_for_is_dropped() -> None:
    gone = tracer(f"http://127.0.0.1:{free_port()}", close_s=IN_VAIN_S)
    for _ in range(4500):
        gone.begin([]).end(FACTS, [])
    gone.close()
    assert (gone.made, gone.delivered) == (4500, 0)


def test_nothing_is_traced_or_even_loaded_unless_somebody_asks() -> None:
    assert load_settings().traces is None
    program = (
        "import sys; from perse.api.telemetry.tracing import open_tracer; import perse.cli.serve;"
        "assert open_tracer(None, 1.0, version='1', pack='fake') is None;"
        "assert not [it for it in sys.modules if it.startswith('opentelemetry')]"
    )
    subprocess.run([sys.executable, "-I", "-c", program], check=True)


class NotInstalled(MetaPathFinder):
    def find_spec(self, name: str, *_: object) -> None:
        if name.partition(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(name)


def test_a_start_that_asks_for_traces_without_the_extra_says_which(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded = [it for it in sys.modules if it.startswith(("opentelemetry", OtlpTracer.__module__))]
    for name in loaded:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [NotInstalled(), *sys.meta_path])
    check_traces(None)
    with pytest.raises(SettingsInvalid, match=r"perse\[traces\]"):
        check_traces("http://collector:4318")


@pytest.mark.parametrize(
    "given",
    ["collector:4318", "http://user:secret@collector", "http://collector/v1?x", "ftp://collector"],
)
def test_an_address_that_is_no_collectors_stops_the_start(given: str) -> None:
    with pytest.raises(SettingsInvalid, match="PERSE_TRACES") as caught:
        load_settings(traces=given)
    assert "secret" not in caught.value.message
