"""The console's Liveness screen: a session opened, run on another page, and what came out."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import cv2
import jwt
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, expect

from perse.domain.access import Permission
from perse.domain.liveness_sessions import EndReason
from perse.domain.session_frames import FailureReason
from tests.theatre import Theatre, theatre
from tests.web.faults import Faults
from tests.web.looks import barriers, looked_at
from tests.web.scenery import Camera
from tests.web.test_capture import AGREE, press, words
from tests.web.test_console import FOLDER
from tests.web.visitor import Visitor


@pytest.fixture(scope="module")
def house_of_fakes() -> Iterator[Theatre]:
    with theatre() as served:
        yield served


@pytest.fixture
def visitor(house_of_fakes: Theatre, page: Page, faults: Faults) -> Visitor:
    faults.expect("net::ERR_ABORTED")  # whoever leaves a screen waits for its answers no more
    visitor = Visitor.arriving(page, house_of_fakes.url, house_of_fakes.services.api_key)
    visitor.go_to("Liveness")
    return visitor


def read(code: Locator) -> str:
    """What a program reads from a QR code, held nearer or further until it does, as people do."""
    text = ""
    for module_px in (8, 6, 10, 5, 12, 7):
        resize = "(it, px) => { it.style.width = px && `${px * it.viewBox.baseVal.width}px`; }"
        code.evaluate(resize, module_px)
        pixels = np.asarray(Image.open(BytesIO(code.screenshot())).convert("L"))
        code.evaluate(resize, "")
        pixels = np.pad(pixels, 40, constant_values=255)
        for reader in (cv2.QRCodeDetectorAruco(), cv2.QRCodeDetector()):
            text, *_ = reader.detectAndDecode(pixels)
            if text:
                return text
    return text


def test_a_session_is_opened_run_by_its_code_and_told(
    visitor: Visitor, page: Page, context: BrowserContext, camera: Camera, tmp_path: Path
) -> None:
    expect(page.get_by_role("button", name="Open a session")).to_be_disabled()
    visitor.agree()
    page.get_by_label("What is asked").select_option("passive")
    visitor.press("Open a session")
    visitor.says("Waiting for somebody.")
    address = page.get_by_role("link", name="Run it here").get_attribute("href")
    assert address is not None
    assert address.startswith(f"{visitor.url}/capture/#token=")
    assert read(page.get_by_role("img", name="QR code")) == address
    assert barriers(page) == []
    looked_at(page, tmp_path, "console-liveness-code")

    phone = context.new_page()
    phone.goto(address)
    press(phone, AGREE)
    expect(words(phone)).to_contain_text("It is over")

    visitor.says("Passed.")
    row = page.get_by_role("row", name="pad")
    expect(row.get_by_role("cell").first).to_have_text("0.97")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the signed verdict").click()
    claims = jwt.decode(download.value.path().read_text(), options={"verify_signature": False})
    assert claims["verdict"] == "passed"
    assert barriers(page) == []
    looked_at(page, tmp_path, "console-liveness-passed")
    visitor.press("Another session")
    visitor.press("Open a session")
    visitor.says("Waiting for somebody.")


def test_why_it_failed_is_said_in_words(
    visitor: Visitor, page: Page, context: BrowserContext, camera: Camera
) -> None:
    visitor.agree()
    visitor.press("Open a session")
    address = page.get_by_role("link", name="Run it here").get_attribute("href")
    phone = context.new_page()
    phone.goto(str(address))
    press(phone, AGREE, "Stop")
    visitor.says("Not passed.")
    visitor.says("It was given up, or the connection was lost.")


@pytest.mark.parametrize("language", ["en", "pt", "es"])
def test_every_reason_has_its_words(language: str) -> None:
    words = (FOLDER / "words" / f"{language}.js").read_text("utf-8")
    screen = (FOLDER / "screens" / "liveness.js").read_text("utf-8")
    for reason in [*FailureReason, *EndReason]:
        alike = f"{reason}: " in screen
        assert alike or f'"why.{reason}"' in words, reason


def test_who_may_not_verify_is_not_asked_whom(house_of_fakes: Theatre, page: Page) -> None:
    keys = house_of_fakes.services.keys
    for permissions, asked in (
        ({Permission.LIVENESS}, 0),
        ({Permission.LIVENESS, Permission.VERIFY}, 1),
    ):
        _, key = keys.create(f"asked {asked}", permissions=frozenset(permissions))
        Visitor.arriving(page, house_of_fakes.url, key).go_to("Liveness")
        expect(page.get_by_label("Id of the person it should be")).to_have_count(asked)
