"""The example's application before a real server: who registers can sign in, and nobody else."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from perse_client import Client
from tests.conftest import REPOSITORY
from tests.fakes.faces import EMPTY_SCENE, picture
from tests.fakes.voices import recording
from tests.nginx import free_port
from tests.served import Served

Sent = dict[str, bytes]


@pytest.fixture(scope="module")
def address(served: Served) -> Iterator[str]:
    with running_example("sign_in", served) as address:
        yield address


@contextmanager
def running_example(name: str, served: Served) -> Iterator[str]:
    """The address of an example, run as its head says."""
    port = free_port()
    environment = {**os.environ, "PERSE_URL": served.url, "PERSE_KEY": served.services.api_key}
    command = [sys.executable, "-m", "uvicorn", f"{name}:app", "--port", str(port)]
    with subprocess.Popen(command, cwd=REPOSITORY / "examples", env=environment) as process:
        try:
            _await_answer(address := f"http://127.0.0.1:{port}", process)
            yield address
        finally:
            process.terminate()


def _await_answer(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(f"{address}/openapi.json")
            return
        except httpx.TransportError:
            assert process.poll() is None, "the example did not start"
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.fixture
def perse(served: Served) -> Iterator[Client]:
    """What the example keeps; nothing of it is left behind."""
    with Client(served.url, served.services.api_key) as client:
        yield client
        for subject in client.iter_subjects():
            client.delete_subject(subject.id)


class Browser:
    def __init__(self, address: str) -> None:
        self.http = httpx.Client(base_url=address, timeout=30)

    def post(self, path: str, name: str, sent: Sent, agreed: str = "true") -> httpx.Response:
        return self.http.post(path, data={"name": name, "agreed": agreed}, files=sent)

    def leave(self, cookie: str = "") -> httpx.Response:
        """The cookie is for https alone, so it is shown by hand."""
        return self.http.delete("/me", headers={"Cookie": cookie})


@pytest.fixture
def browser(address: str, perse: Client) -> Iterator[Browser]:
    browser = Browser(address)
    yield browser
    browser.http.close()


def person(face: int, voice: int | None = None, seconds: int = 6) -> Sent:
    return {"selfie": picture(face), "voice": recording(voice or face, seconds=seconds)}


def test_who_registers_signs_in_and_leaves_with_everything(browser: Browser, perse: Client) -> None:
    assert browser.post("/register", "ana", person(1)).json() == "Welcome."
    welcome = browser.post("/sign-in", "ana", person(1))
    assert welcome.json() == "Welcome back, ana."
    assert "HttpOnly" in welcome.headers["set-cookie"]
    cookie = welcome.headers["set-cookie"].split(";")[0]
    assert browser.leave(cookie).json().count(".") == 2
    assert list(perse.iter_subjects()) == []
    assert browser.leave(cookie).status_code == 401


@pytest.mark.parametrize(
    ("name", "sent"),
    [("ana", person(2)), ("ana", person(1, 2)), ("ana", person(2, 1)), ("bea", person(1))],
    ids=["another person", "another voice", "another face", "an unknown name"],
)
def test_nobody_else_signs_in(browser: Browser, name: str, sent: Sent) -> None:
    browser.post("/register", "ana", person(1))
    refused = browser.post("/sign-in", name, sent)
    assert (refused.status_code, refused.json()["detail"].split()[0]) == (401, "That")
    assert browser.leave().status_code == 401


def test_what_is_wrong_is_told_and_nothing_of_it_is_kept(browser: Browser, perse: Client) -> None:
    hidden = {**person(1), "selfie": EMPTY_SCENE}
    refused = browser.post("/register", "ana", hidden)
    assert (refused.status_code, "face" in refused.json()["detail"]) == (422, True)
    assert browser.post("/register", "ana", {**hidden, "selfie": b"text"}).status_code == 400
    assert browser.post("/register", "ana", person(1), agreed="false").status_code == 400
    assert list(perse.iter_subjects()) == []
    assert "more" in browser.post("/register", "ana", person(1, seconds=1)).json()
    assert browser.post("/register", "ana", person(2)).status_code == 409


def test_it_is_under_80_lines() -> None:
    assert len((REPOSITORY / "examples" / "sign_in.py").read_text().splitlines()) < 80
