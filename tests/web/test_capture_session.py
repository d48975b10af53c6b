"""A liveness session on its page: what people agree to, what they are asked, how it ends."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, WebSocket, WebSocketRoute, expect

from perse.domain.session_frames import Prompt
from tests.theatre import ASKED, ORDER, Actor, Theatre, theatre
from tests.web.faults import Faults
from tests.web.looks import barriers, looked_at
from tests.web.scenery import Camera
from tests.web.test_capture import AGREE, CAMERA_ON, DECLINE, button, press, words

PATH = "/v1/liveness/sessions"
OVER = "It is over, and the camera is off."
# Chromium tells a refused WebSocket on its console.
REFUSED = "WebSocket connection to"


@pytest.fixture(scope="module")
def house_of_fakes() -> Iterator[Theatre]:
    with theatre() as served:
        yield served


@dataclass
class Sitting:
    """One session, its page and who sits before the camera."""

    theatre: Theatre
    page: Page
    actor: Actor
    opened: dict[str, Any]
    sockets: list[WebSocket]
    heard: list[dict[str, Any]]

    @property
    def url(self) -> str:
        return f"{self.theatre.url}{self.opened['capture_url']}"

    def known(self) -> dict[str, Any]:
        """What the backend is told."""
        with self.theatre.client() as client:
            known: dict[str, Any] = client.get(f"{PATH}/{self.opened['session_id']}").json()
        return known

    def came_out(self) -> tuple[str, list[str]]:
        """State and reasons, once it is over."""
        deadline = monotonic() + 10
        while (known := self.known())["state"] in ("created", "started"):
            assert monotonic() < deadline
        return known["state"], known["reasons"]

    def agree(self) -> Page:
        self.page.goto(self.url)
        press(self.page, AGREE)
        return self.page

    def is_asked(self, prompt: Prompt) -> None:
        expect(words(self.page)).to_contain_text(ASKED[prompt])

    def obeying(self) -> Iterator[Prompt]:
        """What is asked, one after the other; then it is done."""
        for prompt in (Prompt.LOOK_AHEAD, *ORDER):
            self.is_asked(prompt)
            yield prompt
            self.actor.holds = prompt


def middle_of_sign(page: Page) -> float:
    """From the left."""
    script = "(it) => { const box = it.getBBox(); return box.x + box.width / 2; }"
    middle: float = page.locator(".sign path").evaluate(script)
    return middle


def sit(theatre: Theatre, page: Page, **order: object) -> Sitting:
    with theatre.client() as client:
        body = {**order, "client_declaration_enduser_consent": True}
        opened = client.post(PATH, json=body).json()
    sitting = Sitting(theatre, page, theatre.next_actor(), opened, [], [])

    def listen(socket: WebSocket) -> None:
        sitting.sockets.append(socket)
        socket.on("framereceived", lambda text: sitting.heard.append(json.loads(text)))

    page.on("websocket", listen)
    return sitting


@pytest.fixture
def sitting(house_of_fakes: Theatre, page: Page, camera: Camera) -> Sitting:
    return sit(house_of_fakes, page)


@pytest.fixture
def passive(house_of_fakes: Theatre, page: Page, camera: Camera) -> Sitting:
    return sit(house_of_fakes, page, kind="passive")


def test_who_does_what_is_asked_is_through_and_learns_no_more(sitting: Sitting) -> None:
    page = sitting.agree()
    arrows = {prompt: middle_of_sign(page) for prompt in sitting.obeying()}
    expect(words(page)).to_contain_text(OVER)
    assert page.evaluate(CAMERA_ON) is None
    assert sitting.came_out() == ("passed", [])
    # As a mirror shows it: a person's own left is on the left.
    assert arrows[Prompt.LOOK_LEFT] < arrows[Prompt.LOOK_AHEAD] < arrows[Prompt.LOOK_RIGHT]
    told = {key for message in sitting.heard for key in message}
    assert told - {"per_s"} == {  # a busy machine asks for fewer frames
        *("type", "kind", "prompts", "time_limit_s", "frames"),
        *("prompt", "number", "of", "guidance"),
    }
    assert {Image.open(BytesIO(it)).size for it in sitting.actor.frames} == {(640, 480)}
    assert page.evaluate("() => location.hash") == "#token="


def test_nothing_is_filmed_or_sent_before_the_person_agrees(sitting: Sitting) -> None:
    page = sitting.page
    page.goto(sitting.url)
    expect(page.get_by_role("heading", level=1)).to_have_text("Show that you are there")
    page.wait_for_timeout(300)
    assert page.evaluate(CAMERA_ON) is None
    press(page, DECLINE)
    expect(words(page)).to_contain_text("nothing was sent")
    assert (sitting.sockets, sitting.known()["state"]) == ([], "created")


def test_who_cannot_turn_their_head_only_looks_into_the_camera(passive: Sitting) -> None:
    page = passive.agree()
    passive.is_asked(Prompt.LOOK_AHEAD)
    expect(page.get_by_role("progressbar", name="Step 1 of 1")).to_be_visible()
    expect(button(page, "I cannot do this movement")).to_have_count(0)
    expect(words(page)).to_contain_text(OVER)
    assert passive.came_out() == ("passed", [])


def test_who_cannot_do_a_movement_is_told_of_the_other_way(sitting: Sitting) -> None:
    page = sitting.agree()
    page.evaluate("() => addEventListener('perse-unable', () => (unable = true))")
    press(page, "I cannot do this movement")
    expect(words(page)).to_contain_text("Ask for a session without movements")
    assert page.evaluate("() => unable") is True
    assert page.evaluate(CAMERA_ON) is None
    assert sitting.came_out() == ("failed", ["declined"])


def test_who_stops_is_filmed_no_more(sitting: Sitting) -> None:
    page = sitting.agree()
    press(page, "Stop")
    expect(words(page)).to_contain_text("You stopped it")
    assert page.evaluate(CAMERA_ON) is None
    assert sitting.came_out() == ("failed", ["abandoned"])


def test_what_is_in_the_way_is_said_beside_what_is_asked(sitting: Sitting) -> None:
    sitting.actor.away = True
    page = sitting.agree()
    expect(words(page)).to_have_text(
        "Look straight into the camera and hold still. "
        "No face can be seen. Your whole face must be in the picture."
    )
    sitting.actor.away = False
    expect(words(page)).to_have_text(ASKED[Prompt.LOOK_AHEAD])
    press(page, "Stop")


def test_a_session_that_was_used_is_told_so(sitting: Sitting) -> None:
    liveness, key = sitting.theatre.liveness, sitting.theatre.services.first_key
    liveness.start(key.tenant_id, sitting.opened["session_id"])
    page = sitting.agree()
    expect(words(page)).to_contain_text("This session was used before")
    expect(button(page, "Try again")).to_have_count(0)


@pytest.mark.parametrize(
    ("language", "locked", "busy", "again"),
    [
        ("en", "There were too many attempts.", "Too many people", "Try again"),
        ("pt", "Houve tentativas demais.", "Há gente demais", "Tentar de novo"),
        ("es", "Ha habido demasiados intentos.", "Hay demasiadas personas", "Intentar de nuevo"),
    ],
)
def test_who_is_refused_is_told_why_and_whether_to_try_again(
    sitting: Sitting, language: str, locked: str, busy: str, again: str
) -> None:
    """By the server's words, whatever led to them."""
    codes = iter(["overloaded", "rate_limited"])
    refusal = {"message": "refused", "status": 503}
    sitting.page.route_web_socket(
        "**/v1/liveness/socket",
        lambda line: line.send(json.dumps({"code": next(codes), **refusal})),
    )
    page = sitting.page
    page.goto(sitting.url.replace("/capture/", f"/capture/?lang={language}"))
    page.locator("button.first").click()
    expect(words(page)).to_contain_text(busy)
    press(page, again)
    expect(words(page)).to_contain_text(locked)
    expect(button(page, again)).to_have_count(0)
    assert page.evaluate(CAMERA_ON) is None


def test_no_more_frames_are_sent_than_the_server_asks_for(sitting: Sitting) -> None:
    taken_ms = list[float]()
    frames = {"per_s": 20, "width_px": 640, "height_px": 480, "max_bytes": 262_144}
    ready = {"type": "ready", "kind": "head_turns", "prompts": 5, "frames": frames}
    prompt = {"type": "prompt", "prompt": "look_ahead", "number": 1, "of": 5}

    def serve(line: WebSocketRoute) -> None:
        def hear(message: str | bytes) -> None:
            assert isinstance(message, bytes)
            taken_ms.extend(struct.unpack_from(">d", message))
            if len(taken_ms) == 3:
                line.send(json.dumps({"type": "pace", "per_s": 4}))
            if len(taken_ms) == 6:
                line.send(json.dumps({"type": "finished"}))

        line.on_message(hear)
        line.send(json.dumps(ready))
        line.send(json.dumps(prompt))

    sitting.page.route_web_socket("**/v1/liveness/socket", serve)
    expect(words(sitting.agree())).to_contain_text(OVER)
    apart_ms = [after - before for before, after in pairwise(taken_ms)]
    assert all(it >= 45 for it in apart_ms)
    assert all(it >= 245 for it in apart_ms[4:])


def test_a_wrong_token_is_told_and_so_is_a_page_that_is_loaded_anew(
    sitting: Sitting, faults: Faults
) -> None:
    faults.expect(REFUSED)
    page = sitting.page
    page.goto(f"{sitting.theatre.url}/capture/#token=wrong")
    for _ in range(2):
        press(page, AGREE)
        expect(words(page)).to_contain_text("The session could not be opened.")
        assert page.evaluate(CAMERA_ON) is None
        page.reload()


def test_a_camera_that_is_not_there_uses_nothing_up(sitting: Sitting, camera: Camera) -> None:
    camera.unplug()
    page = sitting.agree()
    expect(words(page)).to_contain_text("No camera was found.")
    expect(page.get_by_label("Choose a picture instead")).to_be_hidden()
    assert sitting.known()["state"] == "created"


def test_a_lost_connection_ends_it(sitting: Sitting) -> None:
    def cut(line: WebSocketRoute) -> None:
        server = line.connect_to_server()

        def until_asked(text: str | bytes) -> None:
            line.send(text)
            if "prompt" in json.loads(text).get("type", ""):
                server.close()
                line.close(code=3000)

        server.on_message(until_asked)

    sitting.page.route_web_socket("**/v1/liveness/socket", cut)
    page = sitting.agree()
    expect(words(page)).to_contain_text("The connection was lost")
    expect(button(page, "Try again")).to_have_count(0)


def test_who_leaves_the_page_ends_it(sitting: Sitting) -> None:
    """To this browser every tab is in sight, so the page is told otherwise."""
    page = sitting.agree()
    sitting.is_asked(Prompt.LOOK_AHEAD)
    page.evaluate(
        "() => {"
        " Object.defineProperty(document, 'visibilityState', {value: 'hidden'});"
        " document.dispatchEvent(new Event('visibilitychange'));"
        "}"
    )
    expect(words(page)).to_contain_text("the session ended with it")
    assert page.evaluate(CAMERA_ON) is None


@pytest.mark.parametrize(
    ("language", "agree", "asked", "stop"),
    [
        ("pt", "Concordo, ligar a câmera", "Olhe de frente para a câmera e fique parado.", "Parar"),
        ("es", "Acepto, encender la cámara", "Mire de frente a la cámara y no se mueva.", "Parar"),
    ],
)
def test_it_speaks_the_language_that_was_chosen_on_the_page(
    sitting: Sitting, language: str, agree: str, asked: str, stop: str
) -> None:
    page = sitting.page
    page.goto(sitting.url)
    page.locator(f"#languages [lang={language}]").click()
    press(page, agree)
    expect(words(page)).to_have_text(asked)
    press(page, stop)
    expect(page.locator("section[lang]")).to_have_attribute("lang", language)


def test_no_screen_is_too_narrow_or_has_barriers(
    sitting: Sitting, tmp_path: Path, faults: Faults
) -> None:
    faults.expect(REFUSED)
    page = sitting.page
    page.goto(sitting.url)
    for number, (name, shown) in enumerate(
        (
            ("consent", button(page, AGREE)),
            ("prompt", page.get_by_text(ASKED[Prompt.LOOK_LEFT])),
            ("over", page.get_by_text("You stopped it")),
        )
    ):
        shown.wait_for()
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            assert barriers(page) == []
        looked_at(page, tmp_path, f"session-{name}")
        press(page, *[(AGREE,), ("Stop",), ()][number])
