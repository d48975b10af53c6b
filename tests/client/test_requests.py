"""What leaves the client: where it goes, what it carries, and what nobody gets to see."""

from __future__ import annotations

import io
import logging
import os
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, cast

import httpx
import pytest

from perse.api.v0.examples import DETECT, LOGIN
from perse_client import AsyncClient, Client, Patience, errors
from perse_client.operations.login import LoggedIn, log_in
from perse_client.operations.subjects import delete_subject
from perse_client.session import Secret
from perse_client.uploads import Upload
from tests.client.test_torn_answers import answering, is_login
from tests.fakes.faces import picture
from tests.fakes.services import FakeServices, settings
from tests.served import Served, serving

KEY = "5c0ffee5-0000-4000-8000-00000000beef"


def seen_by_server(send: Callable[[Client], object], base_url: str = "http://perse.test") -> bytes:
    """The body of the request, read as a server would."""
    bodies = []

    def handle(request: httpx.Request) -> httpx.Response:
        bodies.append(request.read())
        return httpx.Response(200, json=DETECT)

    with Client(base_url, KEY, transport=answering(handle)) as client:
        send(client)
    return bodies[0]


@pytest.mark.parametrize(
    "base_url", ["http://a.test/bio", "http://a.test/bio/", "http://a.test:81"]
)
def test_the_address_may_have_a_path(base_url: str) -> None:
    asked = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return (
            httpx.Response(200, json=LOGIN)
            if is_login(request)
            else httpx.Response(200, json=DETECT)
        )

    with Client(base_url, KEY, transport=httpx.MockTransport(handle)) as client:
        client.detect_faces(b"-")
    address = base_url.rstrip("/")
    assert asked == [f"{address}/v0/login", f"{address}/v0/face/detect"]


def test_a_server_under_a_path_is_reached() -> None:
    services = FakeServices(settings(root_path="/bio"))
    with serving(services) as served, Client(f"{served.url}/bio", services.api_key) as client:
        assert client.detect_faces(picture()).total_faces == 1


def test_nobody_is_waited_for_without_end() -> None:
    once = Patience(tries=1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with (
            Client(address, KEY, timeout_s=0.2, patience=once) as client,
            pytest.raises(errors.Unreachable, match="ReadTimeout"),
        ):
            client.check_live()


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_there_are_time_limits_without_asking(kind: type[Client] | type[AsyncClient]) -> None:
    limits = kind("http://perse.test", KEY)._http.timeout
    assert (limits.connect, limits.read, limits.write, limits.pool) == (5, 30, 30, 30)


@pytest.mark.parametrize(
    "wrong", ["perse.test", "ftp://perse.test", "", "http://", "http://u:p@a.test", "http://a/?k=1"]
)
def test_an_address_that_is_none_or_holds_a_password_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        Client(wrong, KEY)


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_no_id_leads_to_another_path(name: str) -> None:
    with pytest.raises(ValueError, match="id"):
        delete_subject(name)


@pytest.mark.parametrize("name", ["a/../b", "a?x=1", "a#b", "a%2fb", "\u00e9\n"])
def test_an_id_is_one_part_of_the_path_whatever_is_in_it(name: str) -> None:
    asked = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(404)

    with (
        Client("http://perse.test", KEY, transport=answering(handle)) as client,
        pytest.raises(errors.NotFound),
    ):
        client.delete_subject(name)
    (url,) = asked
    assert url.raw_path.count(b"/") == 3
    assert url.raw_path.startswith(b"/v1/subjects/")
    assert url.path == f"/v1/subjects/{name}"


class Counted(io.BytesIO):
    """A file that remembers how much was asked of it at once."""

    most_at_once = 0

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        assert size >= 0, "read whole"
        self.most_at_once = max(self.most_at_once, size)
        return super().read(size)


def test_a_file_is_sent_piece_by_piece() -> None:
    content = os.urandom(3_000_000)
    file = Counted(content)
    assert content in seen_by_server(lambda client: client.detect_faces(file))
    assert 0 < file.most_at_once <= 65_536


def test_a_pipe_is_sent_though_nobody_knows_its_length(served: Served, api_key: str) -> None:
    reading, writing = os.pipe()
    os.write(writing, picture(1, size=7000))
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe, Client(served.url, api_key) as client:
        assert client.detect_faces(pipe).total_faces == 1


def test_a_pipe_is_sent_once() -> None:
    tried = []

    def handle(request: httpx.Request) -> httpx.Response:
        tried.append(request.read())
        return httpx.Response(503, headers={"Retry-After": "0"})

    class Pipe(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return b""

    with (
        Client("http://perse.test", KEY, transport=answering(handle)) as client,
        pytest.raises(errors.TryLater),
    ):
        client.detect_faces(cast(BinaryIO, Pipe()))
    assert len(tried) == 1


@pytest.mark.parametrize("kind", ["path", "bytes", "file"])
def test_a_file_is_sent_again_from_its_beginning(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"0123456789" * 20_000)
    content = path.read_bytes()
    uploads: dict[str, Upload] = {"path": path, "bytes": content, "file": io.BytesIO(content)}
    bodies = list[bytes]()

    def handle(request: httpx.Request) -> httpx.Response:
        body = request.read()
        bodies.append(body.replace(request.headers["content-type"].split("=")[1].encode(), b""))
        return (
            httpx.Response(503, headers={"Retry-After": "0"})
            if len(bodies) < 2
            else httpx.Response(200, json=DETECT)
        )

    with Client("http://perse.test", KEY, transport=answering(handle)) as client:
        client.detect_faces(uploads[kind])
    assert bodies[0] == bodies[1]
    assert content in bodies[0]


def test_what_a_file_is_called_at_home_is_told_to_nobody(tmp_path: Path) -> None:
    file = tmp_path / "jane_doe_passport.jpg"
    file.write_bytes(b"picture")
    assert b"jane" not in seen_by_server(lambda client: client.detect_faces(file))


@pytest.mark.parametrize("wrong", ["/etc/passwd", "http://elsewhere.test/a.jpg", 7, None])
def test_a_text_is_no_file(wrong: object) -> None:
    with (
        Client("http://perse.test", KEY) as client,
        pytest.raises((TypeError, ValueError), match=r"pathlib\.Path|to be sent"),
    ):
        client.detect_faces(wrong)  # type: ignore[arg-type]


def test_a_form_without_a_file_is_refused_before_it_is_sent() -> None:
    with (
        Client("http://perse.test", KEY) as client,
        pytest.raises(ValueError, match="image_file, audio_file"),
    ):
        client.verify_subject("s")


def test_a_file_that_is_not_there_is_told_as_such(served: Served, api_key: str) -> None:
    with Client(served.url, api_key) as client, pytest.raises(FileNotFoundError):
        client.detect_faces(Path("nowhere.jpg"))


def test_threads_share_a_client_and_one_login(served: Served, api_key: str) -> None:
    logins = list[str]()

    class Counting(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if is_login(request):
                logins.append(threading.current_thread().name)
            return super().handle_request(request)

    with (
        Client(served.url, api_key, transport=Counting()) as client,
        ThreadPoolExecutor(8) as threads,
    ):
        found = list(threads.map(lambda _: client.detect_faces(picture()), range(24)))
    assert [it.total_faces for it in found] == [1] * 24
    assert len(logins) == 1


def test_a_token_of_keys_that_were_changed_is_renewed(served: Served, api_key: str) -> None:
    """As when the server was set up anew with other signing keys."""
    with Client(served.url, api_key) as client:
        client.carry_out(log_in(api_key))
        client._conversations.session.keep(_forged(client.carry_out(log_in(api_key))))
        assert client.detect_faces(picture()).total_faces == 1


def _forged(told: LoggedIn) -> Secret:
    head, claims, _ = told.token.split(".")
    return Secret(f"{head}.{claims}.c2lnbmF0dXJl")


def secrets(client: Client | AsyncClient) -> Iterator[str]:
    yield repr(client)
    yield repr(client._conversations)
    yield repr(client._conversations.session.api_key)
    yield repr(log_in(KEY))
    yield repr(LoggedIn(token="s3cr3t", time_taken=0.1, status=200))


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_nothing_secret_is_in_a_repr(kind: type[Client] | type[AsyncClient]) -> None:
    client = kind("http://perse.test/bio", KEY)
    assert repr(client) == f"{kind.__name__}('http://perse.test/bio/')"
    assert [it for it in secrets(client) if KEY in it or "s3cr3t" in it] == []


def test_nothing_secret_is_logged_or_in_an_error(caplog: pytest.LogCaptureFixture) -> None:
    """Not even by the HTTP library at its most talkative."""
    for logger in (None, "httpx"):  # whatever other tests made of it
        caplog.set_level(logging.DEBUG, logger=logger)
    face = b"\xff\xd8\xff a very particular face"
    token = LOGIN["token"]

    def handle(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == f"Bearer {token}"
        return httpx.Response(500, text=str(request.read()) + token + KEY)

    once, transport = Patience(tries=1), answering(handle)
    with (
        Client("http://perse.test", KEY, patience=once, transport=transport) as client,
        pytest.raises(errors.ServerError) as raised,
    ):
        client.detect_faces(face)
    told = caplog.text + "".join(traceback.format_exception(raised.value)) + repr(raised.value)
    assert "/v0/face/detect" in caplog.text
    assert [it for it in (KEY, token, "particular face") if it in told] == []
