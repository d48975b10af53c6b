"""``perse serve --processes 2`` with real networks and a real database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from tests.conftest import REPOSITORY
from tests.serving_processes import PATIENCE_S, Processes, ready_at, started, until

PORTRAITS = REPOSITORY / "tests" / "samples" / "portraits"
PERSE = [sys.executable, "-I", "-m", "perse"]
CONSENT = {"client_declaration_enduser_consent": "true"}


@pytest.fixture(scope="module")
def environment(
    pack_folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("processes")
    (folder / "weights").symlink_to(pack_folders["standard"] / "weights")
    return {
        "PERSE_DATA_DIR": str(folder),
        "PERSE_PACK": "standard",
        "PERSE_OFFLINE": "true",
        "PERSE_LOG_LEVEL": "warning",
        "PERSE_PORT": "0",
        "PERSE_PROCESSES": "2",
        "PERSE_RATE_LIMIT": "1000",
        "COLUMNS": "200",
    }


@pytest.fixture(scope="module")
def served(environment: dict[str, str]) -> Iterator[Processes]:
    folder = Path(environment["PERSE_DATA_DIR"])
    perse(environment, "setup")
    (folder / "key").write_text(perse(environment, "keys", "create", "shop").strip())
    with started([*PERSE, "serve"], folder, **environment) as process:
        url = ready_at(process, folder)
        yield Processes(psutil.Process(process.pid), url, folder)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


def perse(environment: dict[str, str], *words: str) -> str:
    command = [*PERSE, *words]
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return done.stdout


def client_of(served: Processes) -> httpx.Client:
    return httpx.Client(
        base_url=served.url,
        headers={"x-api-key": served.api_key},
        timeout=PATIENCE_S,
        verify=False,  # noqa: S501 - there is nothing to verify, and much to load for it
    )


def post(client: httpx.Client, path: str, name: str, **data: str) -> httpx.Response:
    files = {"image_file": (PORTRAITS / f"{name}.jpg").read_bytes()}
    return client.post(f"/v0/face/{path}", files=files, data=CONSENT | data)


def test_they_are_exchanged_under_load_and_lose_no_request(
    served: Processes, environment: dict[str, str]
) -> None:
    before, stop = {process.pid for process in served.serving()}, threading.Event()
    with client_of(served) as client:
        token = post(client, "enrollment", "obama_2010").json()["user_token"]

    def ask() -> int:
        with client_of(served) as client:
            answered = 0
            while not stop.is_set():
                answer = post(client, "compare", "obama_2012", user_token=token)
                assert answer.status_code == 200
                assert answer.json()["similarity"] > 0.8
                answered += 1
            return answered

    with ThreadPoolExecutor(3) as clients:
        asking = [clients.submit(ask) for _ in range(3)]
        served.parent.send_signal(signal.SIGHUP)
        until(lambda: _exchanged(served, before) or any(one.done() for one in asking))
        stop.set()
        answered = sum(one.result() for one in asking)
    compared = 'perse_http_requests_total{method="POST",route="/v0/face/compare",status="200"}'
    until(lambda: served.counted(compared) == answered)
    entries = perse(environment, "consent", "export").splitlines()
    assert sum('"face_verify"' in entry for entry in entries) == answered
    perse(environment, "consent", "verify")


def _exchanged(served: Processes, before: set[int]) -> bool:
    now = {process.pid for process in served.serving()}
    return len(now) == 2 and not now & before


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each process opens its own")
def test_networks_are_opened_once_for_all(served: Processes) -> None:
    for process in served.serving():
        memory = process.memory_full_info()
        assert memory.uss < memory.rss / 2


def test_what_is_wrong_is_said_once(environment: dict[str, str]) -> None:
    folder = Path(environment["PERSE_DATA_DIR"])
    wrong = {"PERSE_MASTER_KEY": "bm8gbWFzdGVyIGtleSBoYXMgMzIgYnl0ZXMgbGlrZSBpdA=="}
    done = subprocess.run(
        [*PERSE, "serve"],
        env={**os.environ, **environment, **wrong},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
        cwd=folder,
    )
    assert done.returncode == 1
    assert done.stderr.count("perse: ") == 1
    assert "master key" in done.stderr.splitlines()[-1]


def test_each_of_them_finds_who_is_enrolled_and_nobody_who_was_deleted(served: Processes) -> None:
    def candidates() -> list[list[str]]:
        """Of searches over connections of their own, which whoever is free takes."""
        return [_found(served) for _ in range(6)]

    with client_of(served) as client:
        known = _found(served)
        for _ in range(2):
            token = post(client, "enrollment", "obama_2009").json()["user_token"]
            assert [sorted(it) for it in candidates()] == [sorted([*known, token])] * 6
            assert client.delete(f"/v0/face/enrollment/{token}").status_code == 200
            assert candidates() == [known] * 6


def _found(served: Processes) -> list[str]:
    picture = (PORTRAITS / "obama_2012.jpg").read_bytes()
    with client_of(served) as client:
        answer = client.post("/v1/identify", files={"image_file": picture}, data=CONSENT)
    assert answer.status_code == 200
    return [it["subject_id"] for it in answer.json()["face"]["candidates"]]
