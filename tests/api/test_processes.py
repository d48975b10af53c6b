"""Several processes on one address, and the parent that watches over them."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil
import pytest
from websockets.sync.client import ClientConnection

from tests.fakes.faces import picture
from tests.served import BOUNDARY, form, part
from tests.serving_processes import PATIENCE_S, Processes, asked, serving_processes, until
from tests.sockets import closed_with, say, talking

DETECT = "/v0/face/detect"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
REQUESTS = "perse_http_requests_total{"
VERSIONS = f'{REQUESTS}method="GET",route="/version",status="200"'


def detect(served: Processes) -> int:
    """The status of one detection on a connection of its own."""
    with closing(served.connection()) as connection:
        ask_to_detect(served, connection)
        return connection.getresponse().status


def ask_to_detect(served: Processes, connection: HTTPConnection) -> None:
    headers = {"x-api-key": served.api_key, "content-type": FORM}
    connection.request("POST", DETECT, form(part("image_file", picture())), headers)


@contextmanager
def at_work(served: Processes, requests: int) -> Iterator[list[Future[int]]]:
    """So many detections, each of which a process works on or lets wait."""

    def ask() -> int:
        while (status := detect(served)) == 503:  # it met the process that is full
            pass
        return status

    with ThreadPoolExecutor(requests) as clients:
        detections = [clients.submit(ask) for _ in range(requests)]
        until(
            lambda: (
                served.counted("perse_workers_busy ") + served.counted("perse_work_waiting ")
                == requests
            )
        )
        yield detections


def let_through(served: Processes) -> None:
    (served.folder / "open").touch()


@pytest.fixture(scope="module", params=[1, 2], ids=["forked", "each started"])
def kept(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Processes]:
    """Two processes, forked from one that watches them or started one by one."""
    folder = tmp_path_factory.mktemp("processes")
    with serving_processes(folder, parents=request.param) as processes:
        yield processes


@pytest.fixture
def served(kept: Processes) -> Iterator[Processes]:
    """The same for all tests that leave it as it was: nothing is asked, and two serve."""
    until(kept.are_open)
    yield kept
    for name in ("open", "broken", "torn"):
        (kept.folder / name).unlink(missing_ok=True)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Processes]:
    """For a test that ends it."""
    with serving_processes(tmp_path) as processes:
        yield processes


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_all_finish_what_they_began(own: Processes, number: signal.Signals) -> None:
    with at_work(own, 2) as detections:
        own.parent.send_signal(number)
        until(lambda: _is_refused(own))
        let_through(own)
        assert [answer.result() for answer in detections] == [200, 200]
    assert own.parent.wait(PATIENCE_S) == 0
    assert own.log().count("\n") == 1


def _is_refused(served: Processes) -> bool:
    with closing(served.connection()) as connection:
        try:
            connection.connect()
        except ConnectionRefusedError:
            return True
        return False


def test_an_answer_under_way_at_the_end_says_that_it_is_the_last(own: Processes) -> None:
    with closing(own.connection()) as connection:
        ask_to_detect(own, connection)
        until(lambda: own.counted("perse_workers_busy ") == 1)
        own.parent.send_signal(signal.SIGTERM)
        until(lambda: _is_refused(own))
        let_through(own)
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("connection")) == (200, "close")


def test_metrics_are_sums(served: Processes) -> None:
    before = served.counted(VERSIONS)
    with closing(served.connection()) as one, closing(served.connection()) as two:
        for connection in (one, two) * 5:
            assert asked(connection, "/version")[0] == 200
        until(lambda: served.counted(VERSIONS) == before + 10)
        assert served.counted("perse_info{") == 1
        until(lambda: served.counted("perse_connections ") == 3)


def test_connections_are_shared(served: Processes) -> None:
    clients = [served.connection() for _ in range(12)]
    for client in clients:
        assert asked(client, "/health/live")[0] == 200
    held = [len(_connections(process)) for process in served.serving()]
    for client in clients:
        client.close()
    assert sum(held) == 12
    assert max(held) - min(held) <= 2


def _connections(process: psutil.Process) -> list[object]:
    return [c for c in process.net_connections("tcp") if c.status == psutil.CONN_ESTABLISHED]


def test_a_full_waiting_room_is_full_in_all(served: Processes) -> None:
    with at_work(served, 4) as detections:  # two workers and two that wait, as set
        refused = [detect(served) for _ in range(4)]
        let_through(served)
        assert [answer.result() for answer in detections] == [200] * 4
    assert refused == [503] * 4


def test_a_killed_process_takes_its_own_requests_alone_and_is_replaced(served: Processes) -> None:
    with at_work(served, 4) as detections:  # as many as there is room for, so two for each
        first, second = served.serving()
        before = served.counted(REQUESTS)
        first.kill()
        until(lambda: len({p.pid for p in served.serving()} - {first.pid, second.pid}) == 1)
        let_through(served)
        outcomes = [_outcome(answer) for answer in detections]
    assert sorted(outcomes) == ["200", "200", "lost", "lost"]
    assert served.counted(REQUESTS) >= before
    until(lambda: served.counted("perse_workers_busy ") == 0)
    assert detect(served) == 200
    assert f'"pid": {first.pid}, "status": -9' in served.log()


def _outcome(answer: Future[int]) -> str:
    try:
        return str(answer.result())
    except (OSError, HTTPException):
        return "lost"


def test_nothing_goes_on_without_the_parent(own: Processes) -> None:
    below = own.parent.children(recursive=True)
    own.parent.kill()
    _, left = psutil.wait_procs(below, PATIENCE_S)
    assert left == []


def test_who_watches_them_may_be_killed(served: Processes) -> None:
    before = {process.pid for process in served.serving()}
    for watching in served.parent.children():
        watching.kill()
    until(lambda: _exchanged(served, before))
    assert served.get("/health/ready")[0] == 200


def test_a_hangup_exchanges_all_and_nobody_notices(served: Processes) -> None:
    before, stop = {process.pid for process in served.serving()}, threading.Event()
    counted = served.counted(VERSIONS)

    def ask() -> int:
        """On one connection, and on another when the server said that it was the last time."""
        with closing(served.connection()) as connection:
            times = 0
            while not stop.is_set():
                assert asked(connection, "/version")[0] == 200
                times += 1
            return times

    with ThreadPoolExecutor(4) as clients:
        asking = [clients.submit(ask) for _ in range(4)]
        served.parent.send_signal(signal.SIGHUP)
        until(lambda: _exchanged(served, before))
        stop.set()
        times = sum(client.result() for client in asking)
    until(lambda: served.counted(VERSIONS) == counted + times)
    let_through(served)
    assert detect(served) == 200


def test_a_conversation_stays_with_its_process_and_hears_of_the_end(own: Processes) -> None:
    with ExitStack() as stack:
        talks = [stack.enter_context(talking(own.url)) for _ in range(4)]
        pids = [_process_of(talk) for talk in talks]
        assert set(pids) == {process.pid for process in own.serving()}
        assert [_process_of(talk) for talk in talks] == pids
        until(lambda: own.counted("perse_conversations ") == 4)
        own.parent.terminate()
        assert [closed_with(talk)[0] for talk in talks] == [1001] * 4
    assert own.parent.wait(PATIENCE_S) == 0


def _process_of(talk: ClientConnection) -> int:
    say(talk, a=1)
    pid: int = json.loads(talk.recv())["pid"]
    return pid


def _exchanged(served: Processes, before: set[int]) -> bool:
    now = {process.pid for process in served.serving()}
    return len(now) == 2 and not now & before


@pytest.mark.parametrize("fault", ["broken", "torn"])
def test_who_cannot_start_anew_is_not_ended(served: Processes, fault: str) -> None:
    before = {process.pid for process in served.serving()}
    given_up = served.log().count("renewal_given_up")
    (served.folder / fault).touch()
    served.parent.send_signal(signal.SIGHUP)
    until(lambda: served.log().count("renewal_given_up") == given_up + 1)
    assert {process.pid for process in served.serving()} == before
    assert served.get("/health/ready")[0] == 200


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [("broken", "perse: it is broken: mend it"), ("torn", "perse: it is torn: sew it")],
)
def test_a_start_that_cannot_succeed_ends(tmp_path: Path, fault: str, sentence: str) -> None:
    (tmp_path / fault).touch()
    with pytest.raises(AssertionError), serving_processes(tmp_path):
        pytest.fail("it serves")
    assert set((tmp_path / "log").read_text().splitlines()) == {sentence}
