"""The component in pages of other origins: the example's, and one that perse does not know."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
from playwright.sync_api import Page, expect

from perse.auth.api_keys import ApiKeys
from perse.domain.access import Permission
from tests.conftest import REPOSITORY
from tests.fakes.services import FakeServices, settings
from tests.real_house import House
from tests.served import serving
from tests.web.faults import Faults
from tests.web.looks import barriers
from tests.web.scenery import Camera
from tests.web.test_capture import AGREE, press

EXAMPLE = (REPOSITORY / "examples" / "capture.html").read_text("utf-8")
WRITTEN_FOR = "http://127.0.0.1:8080"


@dataclass
class Shop:
    """A product's own server, which has the example's page and takes pictures."""

    perse: str
    token: str
    url: str = ""
    received: list[bytes] = field(default_factory=list)

    def policy(self) -> str:
        """As strict as docs/capture.md says that one may be; the example's own script is inline."""
        return (
            f"default-src 'none'; script-src 'unsafe-inline' {self.perse}; "
            f"connect-src 'self' {self.perse}; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        )

    def answer(self, path: str) -> bytes:
        if path == "/":
            return EXAMPLE.replace(WRITTEN_FOR, self.perse).encode()
        return b'{"token": "%s"}' % self.token.encode()


@contextmanager
def opened(shop: Shop) -> Iterator[Shop]:
    class Counter(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send("application/json" if "token" in self.path else "text/html")

        def do_POST(self) -> None:
            shop.received.append(self.rfile.read(int(self.headers["content-length"])))
            self._send("application/json")

        def _send(self, kind: str) -> None:
            content = shop.answer(self.path)
            self.send_response(200)
            self.send_header("content-type", f"{kind}; charset=utf-8")
            self.send_header("content-length", str(len(content)))
            self.send_header("content-security-policy", shop.policy())
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("localhost", 0), Counter) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            shop.url = f"http://localhost:{server.server_port}/"
            yield shop
        finally:
            server.shutdown()
            thread.join()


def test_the_example_gives_the_picture_to_its_own_server(
    house: House, page: Page, camera: Camera, faults: Faults
) -> None:
    """Its pictures are checked with the token of a key that may look at faces and nothing else."""
    keys = ApiKeys(house.services.storage.keys)
    _, key = keys.create("pages", permissions=frozenset({Permission.FACES}))
    login = house.client.post("/v0/login", json={"privateKey": key})
    perse, token = str(house.client.base_url), str(login.json()["token"])
    with opened(Shop(perse, token)) as shop:
        page.goto(shop.url)
        assert barriers(page) == []
        press(page, AGREE, "Use this picture")
        expect(page.get_by_text("Welcome!")).to_be_visible()
    (form,) = shop.received
    assert b"\xff\xd8\xff" in form
    assert b"We compare this picture with you when you sign in." in form
    told = {request.url for request in faults.uploads()}
    assert told == {f"{perse}/v0/face/detect", f"{shop.url}pictures"}


def test_the_example_is_short() -> None:
    assert len(EXAMPLE.splitlines()) <= 30


def test_an_origin_that_may_not_call_perse_gets_no_component(page: Page, faults: Faults) -> None:
    faults.expect("CORS|ERR_FAILED")
    services = FakeServices(settings(cors_origins="https://shop.example"))
    with serving(services) as perse, opened(Shop(perse.url, "")) as shop:
        page.goto(shop.url)
        assert page.evaluate("() => customElements.get('perse-capture')") is None
    assert any("CORS" in fault for fault in faults.found)


def test_its_file_is_for_those_who_may_call_perse() -> None:
    """A page may not load it as a plain script, past the server's list of origins."""
    services = FakeServices(settings(cors_origins="https://shop.example"))
    with serving(services) as perse:
        for origin, allowed in (("https://shop.example",) * 2, ("https://other.example", None)):
            answer = httpx.get(f"{perse.url}/capture/perse-capture.js", headers={"origin": origin})
            assert answer.headers.get("access-control-allow-origin") == allowed
            assert answer.headers["cross-origin-resource-policy"] == "same-origin"
            assert answer.headers["content-type"].startswith("text/javascript")
