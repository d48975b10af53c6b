"""The example that signs people up by a session: who is there is enrolled, and nobody else."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from perse.domain.session_frames import Prompt
from perse_client import Client
from tests.client.test_example import running_example
from tests.conftest import REPOSITORY
from tests.sockets import talking
from tests.theatre import Theatre, theatre


@pytest.fixture(scope="module")
def perse() -> Iterator[Theatre]:
    with theatre() as served:
        yield served


@pytest.fixture(scope="module")
def address(perse: Theatre) -> Iterator[str]:
    with running_example("sign_up", perse) as address:
        yield address


def start(address: str, **newcomer: object) -> tuple[httpx.Response, dict[str, str]]:
    """The answer, and the cookie of the visit: it is for https alone, so it is shown by hand."""
    answer = httpx.post(f"{address}/sign-up", json={"agreed": True, **newcomer})
    return answer, {"Cookie": answer.headers.get("set-cookie", "").split(";")[0]}


def film(perse: Theatre, go_to: str, *, obedient: bool) -> None:
    """The person on perse's page; who is not obedient leaves when asked for a movement."""
    actor = perse.next_actor()
    (token,) = parse_qs(urlsplit(go_to).fragment)["token"]
    protocols = ("perse.liveness.v1", f"token.{token}")
    with talking(perse.url, *protocols, path="/v1/liveness/socket") as socket:
        for number in range(1000):
            try:
                while heard := json.loads(socket.recv(timeout=0.1)):
                    if heard["type"] == "finished":
                        return
                    if heard["type"] == "prompt":
                        actor.holds = Prompt(heard["prompt"])
                        if not obedient and actor.holds is not Prompt.LOOK_AHEAD:
                            return
            except TimeoutError:
                socket.send(struct.pack(">d", 100.0 * number) + b"frame %d" % number)


def finished(address: str, cookie: dict[str, str]) -> httpx.Response:
    deadline = time.monotonic() + 10
    while (answer := httpx.get(f"{address}/sign-up", headers=cookie)).text == '"Not over yet."':
        assert time.monotonic() < deadline
    return answer


@pytest.mark.parametrize("turns_head", [True, False])
def test_who_is_there_is_enrolled(perse: Theatre, address: str, turns_head: bool) -> None:
    name = f"ana {turns_head}"
    started, cookie = start(address, name=name, turns_head=turns_head)
    go_to = started.json()["go_to"]
    assert go_to.startswith(f"{perse.url}/capture/#token=")
    assert httpx.get(f"{address}/sign-up", headers=cookie).json() == "Not over yet."
    film(perse, go_to, obedient=True)
    assert finished(address, cookie).json() == f"Welcome, {name}."
    with Client(perse.url, perse.services.api_key) as client:
        (subject,) = client.list_subjects(external_id=name).subjects
    assert subject.faces == 1
    assert start(address, name=name)[0].status_code == 409


def test_of_who_leaves_nothing_is_kept(perse: Theatre, address: str) -> None:
    started, cookie = start(address, name="bea")
    film(perse, started.json()["go_to"], obedient=False)
    assert finished(address, cookie).status_code == 403
    assert finished(address, cookie).status_code == 404
    with Client(perse.url, perse.services.api_key) as client:
        assert client.list_subjects(external_id="bea").subjects == ()


def test_who_does_not_agree_is_not_filmed(perse: Theatre, address: str) -> None:
    started, _ = start(address, name="cid", agreed=False)
    assert started.status_code == 400
    with Client(perse.url, perse.services.api_key) as client:
        assert client.list_subjects(external_id="cid").subjects == ()


def test_it_is_under_80_lines() -> None:
    assert len((REPOSITORY / "examples" / "sign_up.py").read_text().splitlines()) < 80
