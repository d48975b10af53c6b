"""The capture page with a camera, without networks: what people read, agree to and hand over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.served import Served, serving
from tests.web.faults import Faults
from tests.web.looks import barriers, looked_at
from tests.web.scenery import PORTRAITS, Camera, person

AGREE, DECLINE = "I agree, start the camera", "I do not agree"
CAMERA_ON = (
    "() => document.querySelector('perse-capture').shadowRoot.querySelector('video').srcObject"
)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as server:
        yield server


@pytest.fixture
def capture(served: Served, page: Page, camera: Camera) -> Page:
    """The page, where nobody has agreed to anything yet."""
    page.goto(f"{served.url}/capture/")
    return page


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def words(page: Page) -> Locator:
    return page.get_by_role("status")


def press(page: Page, *names: str) -> None:
    for name in names:
        button(page, name).click()


def given(page: Page) -> Callable[[], tuple[dict[str, Any], Image.Image]]:
    """From now on, what the page is given: the event's detail and the picture."""
    page.evaluate("() => addEventListener('perse-capture', (event) => (given = event.detail))")

    def read() -> tuple[dict[str, Any], Image.Image]:
        content = page.evaluate(
            "async () => [...new Uint8Array(await given.picture.arrayBuffer())]"
        )
        return page.evaluate("() => given"), Image.open(BytesIO(bytes(content)))

    return read


def test_who_agrees_hands_over_the_picture_that_was_seen(capture: Page, faults: Faults) -> None:
    read = given(capture)
    press(capture, AGREE)
    expect(words(capture)).to_contain_text("Only light and focus are checked here")
    press(capture, "Take the picture", "Use this picture")
    expect(words(capture)).to_contain_text("the camera is off")
    expect(capture.locator("#facts")).to_contain_text("360 × 480")
    detail, taken = read()
    assert (taken.format, taken.size) == ("JPEG", (360, 480))
    assert (detail["source"], detail["assessed"]) == ("camera", False)
    assert detail["consent"]["text"].startswith("This page takes one picture of your face.")
    assert datetime.fromisoformat(detail["consent"]["agreedAt"]).tzinfo is not None
    seen = person().crop((140, 0, 500, 480))
    apart = [a - b for a, b in zip(_shades(taken), _shades(seen), strict=True)]
    assert max(map(abs, apart)) < 25  # and so it is not mirrored, as the preview is
    assert capture.evaluate(CAMERA_ON) is None
    assert faults.uploads() == []


def _shades(picture: Image.Image) -> bytes:
    return picture.convert("L").resize((9, 12), Image.Resampling.BOX).tobytes()


def test_who_does_not_agree_is_not_filmed(capture: Page, faults: Faults) -> None:
    press(capture, DECLINE)
    expect(words(capture)).to_have_text("No picture was taken and nothing was sent.")
    assert capture.evaluate(CAMERA_ON) is None
    press(capture, "Back")
    expect(button(capture, AGREE)).to_be_visible()
    assert faults.uploads() == []


def test_without_a_word_on_what_it_is_for_nothing_starts(capture: Page) -> None:
    capture.evaluate(
        "() => {"
        " const capture = document.querySelector('perse-capture');"
        " capture.replaceChildren();"
        " capture.reset();"
        "}"
    )
    expect(words(capture)).to_contain_text("does not say what the picture is for")
    expect(button(capture, AGREE)).to_have_count(0)


def test_without_a_camera_a_picture_can_be_chosen(capture: Page, camera: Camera) -> None:
    camera.unplug()
    press(capture, AGREE)
    expect(words(capture)).to_have_text("No camera was found. Connect one, or choose a picture.")
    capture.get_by_label("Choose a picture instead").set_input_files(PORTRAITS / "hopper_1984.jpg")
    press(capture, "Use this picture")
    expect(capture.locator("#facts")).to_contain_text("512 × 600")


def test_a_picture_chosen_once_consent_was_taken_back_is_not_looked_at(
    capture: Page, camera: Camera
) -> None:
    camera.unplug()
    press(capture, AGREE)
    with capture.expect_file_chooser() as chosen:
        press(capture, "Choose a picture instead")
    capture.evaluate("() => document.querySelector('perse-capture').reset()")
    chosen.value.set_files(PORTRAITS / "hopper_1984.jpg")
    expect(button(capture, AGREE)).to_be_visible()
    expect(button(capture, "Use this picture")).to_have_count(0)


def test_a_chosen_picture_stands_upright_and_says_not_where_it_was_taken(
    capture: Page, tmp_path: Path
) -> None:
    read = given(capture)
    press(capture, AGREE)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn right to see it
    exif[0x010E] = "at home"
    lying = Image.new("RGB", (80, 40), (200, 30, 30))
    lying.save(tmp_path / "lying.jpg", exif=exif)
    capture.get_by_label("Choose a picture instead").set_input_files(tmp_path / "lying.jpg")
    press(capture, "Use this picture")
    _, taken = read()
    assert taken.size == (40, 80)
    assert not taken.getexif()


def test_a_file_that_is_no_picture_is_told(capture: Page, tmp_path: Path) -> None:
    press(capture, AGREE)
    (tmp_path / "letter.jpg").write_text("Dear Sir or Madam")
    capture.get_by_label("Choose a picture instead").set_input_files(tmp_path / "letter.jpg")
    expect(words(capture)).to_contain_text("This file is no picture that can be read")
    press(capture, "Try again", "Take the picture")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("NotAllowedError", "The camera may not be used."),
        ("NotReadableError", "Close other programs that use it"),
    ],
)
def test_what_hinders_a_camera_is_said_in_words(
    context: BrowserContext, capture: Page, error: str, told: str
) -> None:
    """This browser always allows its one camera, so another answer is put in its place."""
    refusal = f"async () => {{ throw new DOMException('', '{error}') }}"
    context.add_init_script(f"navigator.mediaDevices.getUserMedia = {refusal}")
    capture.reload()
    press(capture, AGREE)
    expect(words(capture)).to_contain_text(told)
    expect(button(capture, "Try again")).to_be_visible()
    expect(capture.get_by_label("Choose a picture instead")).to_be_attached()


def test_in_the_dark_no_picture_is_taken(capture: Page, camera: Camera) -> None:
    camera.show(person(light=0.05))
    press(capture, AGREE)
    expect(words(capture)).to_contain_text("It is too dark")
    expect(button(capture, "Take the picture")).to_be_disabled()


def test_the_camera_stops_when_its_element_leaves(capture: Page) -> None:
    press(capture, AGREE)
    button(capture, "Take the picture").wait_for()
    ended = capture.evaluate(
        "() => {"
        " const capture = document.querySelector('perse-capture');"
        " const video = capture.shadowRoot.querySelector('video');"
        " const [track] = video.srcObject.getTracks();"
        " capture.remove();"
        " return [track.readyState, video.srcObject];"
        "}"
    )
    assert ended == ["ended", None]


def test_the_camera_stops_when_the_page_is_out_of_sight(capture: Page) -> None:
    """To this browser every tab is in sight, so the page is told otherwise."""
    press(capture, AGREE)
    button(capture, "Take the picture").wait_for()
    capture.evaluate(
        "() => {"
        " Object.defineProperty(document, 'visibilityState', {value: 'hidden'});"
        " document.dispatchEvent(new Event('visibilitychange'));"
        "}"
    )
    expect(words(capture)).to_contain_text("The camera was stopped.")
    assert capture.evaluate(CAMERA_ON) is None


def test_forgotten_is_forgotten(capture: Page) -> None:
    press(capture, AGREE, "Take the picture", "Use this picture", "Forget it")
    expect(capture.locator("#result")).to_be_hidden()
    expect(button(capture, AGREE)).to_be_visible()
    assert capture.locator("#picture").get_attribute("src") is None


def test_it_is_used_without_a_mouse(capture: Page) -> None:
    button(capture, AGREE).focus()
    capture.keyboard.press("Enter")
    expect(words(capture)).to_be_focused()
    for name in ("Take the picture", "Use this picture"):
        expect(button(capture, name)).to_be_enabled()
        capture.keyboard.press("Tab")
        expect(button(capture, name)).to_be_focused()
        capture.keyboard.press("Enter")
        expect(words(capture)).to_be_focused()
    expect(words(capture)).to_contain_text("Thank you")


@pytest.mark.parametrize(
    ("language", "agree", "take", "use", "told"),
    [
        ("en", AGREE, "Take the picture", "Use this picture", "Thank you"),
        ("pt", "Concordo, ligar a câmera", "Tirar a foto", "Usar esta foto", "Obrigado"),
        ("es", "Acepto, encender la cámara", "Hacer la foto", "Usar esta foto", "Gracias"),
    ],
)
def test_it_speaks_three_languages(
    served: Served,
    page: Page,
    camera: Camera,
    language: str,
    agree: str,
    take: str,
    use: str,
    told: str,
) -> None:
    page.goto(f"{served.url}/capture?lang={language}")
    assert page.locator("html").get_attribute("lang") == language
    press(page, agree, take, use)
    expect(words(page)).to_contain_text(told)
    expect(page.locator("section[lang]")).to_have_attribute("lang", language)


def test_no_screen_is_too_narrow_or_has_barriers(
    served: Served, page: Page, camera: Camera, tmp_path: Path
) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.goto(f"{served.url}/capture/")
        for name, pressed in (
            ("consent", AGREE),
            ("camera", "Take the picture"),
            ("review", "Use this picture"),
            ("result", "Forget it"),
        ):
            button(page, pressed).wait_for()
            expect(button(page, pressed)).to_be_enabled()
            assert barriers(page) == []
            if scheme == "light":
                looked_at(page, tmp_path, f"capture-{name}")
            press(page, pressed)
        camera.unplug()
        press(page, AGREE)
        expect(words(page)).to_contain_text("No camera")
        assert barriers(page) == []
        if scheme == "light":
            looked_at(page, tmp_path, "capture-obstacle")
        camera.show(person())
