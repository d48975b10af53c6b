"""The console before real networks: what somebody who never read a word of documentation does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from playwright.sync_api import Page

from tests.real_house import House
from tests.synthetic_speech import ALICE, speech
from tests.web.faults import Faults
from tests.web.looks import barriers, looked_at
from tests.web.scenery import EMPTY_ROOM, PORTRAITS, Camera, Microphone
from tests.web.visitor import Visitor


@pytest.fixture
def visitor(house: House, page: Page, faults: Faults) -> Visitor:
    faults.expect("net::ERR_ABORTED")  # whoever leaves a screen waits for its answers no more
    url = str(house.client.base_url).rstrip("/")
    return Visitor.arriving(page, url, house.client.headers["x-api-key"])


@pytest.fixture
def recordings(tmp_path: Path) -> list[Path]:
    """Two of one person, with the faint noise that every recording has."""
    files = [tmp_path / f"voice-{seed}.wav" for seed in (1, 2)]
    noise = np.random.default_rng(0).normal(0, 1e-3, 4 * 16_000)
    for seed, file in enumerate(files, 1):
        sf.write(file, speech(ALICE, 4, seed=seed) + noise, 16_000, subtype="PCM_16")
    return files


def test_a_person_is_enrolled_by_camera_verified_and_deleted(
    visitor: Visitor, camera: Camera, page: Page, tmp_path: Path
) -> None:
    camera.show(PORTRAITS / "hopper_1984.jpg")
    visitor.go_to("People")
    page.get_by_label("Your own name for the person").fill("grace")
    visitor.press("Make")
    page.get_by_role("heading", name="Faces").wait_for()
    visitor.agree()
    visitor.press("Camera")
    visitor.press("Take the picture")
    visitor.press("Keep its template")
    visitor.says("sface")

    page.get_by_text("Is this the person?").click()
    visitor.choose("Picture", "hopper_1984")
    visitor.press("Verify")
    visitor.says("One person.")
    assert barriers(page) == []
    looked_at(page, tmp_path, "console-person")

    visitor.go_to("Identify")
    visitor.choose("Picture", "hopper_1984")
    visitor.press("Search")
    page.get_by_role("link", name="grace").click()

    visitor.says("What the person may ask for")
    page.get_by_role("link", name="Ledger").last.click()
    visitor.press("Check that the ledger is whole")
    visitor.says("The ledger is whole")
    visitor.says("face_enrol")
    page.go_back()

    visitor.press("Delete the person")
    visitor.press("Yes, destroy")
    with page.expect_download() as kept:
        page.get_by_role("link", name="Download the receipt").click()
    assert kept.value.suggested_filename.endswith(".jws")
    assert kept.value.path().read_text().count(".") == 2
    visitor.go_to("People")
    visitor.says("Nobody of that kind")


def test_faces_are_followed_live(visitor: Visitor, camera: Camera, page: Page) -> None:
    camera.show(PORTRAITS / "obama_2012.jpg")
    visitor.go_to("Detect")
    visitor.agree()
    visitor.press("Live camera")
    visitor.says("Hold still")
    page.locator("[data-rate]:not([data-rate='0'])").wait_for()
    camera.show(EMPTY_ROOM)
    visitor.press("One picture")
    visitor.press("Live camera")
    visitor.says("No face is seen")


def test_two_pictures_are_compared_on_the_scale(
    visitor: Visitor, page: Page, tmp_path: Path
) -> None:
    visitor.go_to("Compare")
    visitor.agree()
    visitor.choose("First picture", "obama_2009")
    visitor.choose("Second picture", "obama_2012")
    visitor.says("One person.")
    assert page.get_by_role("img", name="Similarity 1 on a scale").is_visible()
    assert barriers(page) == []
    looked_at(page, tmp_path, "console-compared")
    visitor.choose("Second picture", "hopper_1984")
    visitor.says("Not one person.")


def test_a_voice_is_recorded_and_compared(
    visitor: Visitor, microphone: Microphone, recordings: list[Path], page: Page, tmp_path: Path
) -> None:
    visitor.go_to("Voice")
    visitor.agree()
    visitor.press("Record")
    visitor.says("Listening: 5")
    visitor.press("Stop")
    visitor.says("What is heard")
    page.locator(".wave .speech").first.wait_for(state="attached")
    visitor.choose("First recording", recordings[0])
    visitor.choose("Second recording", recordings[1])
    visitor.says("One person.")
    assert barriers(page) == []
    looked_at(page, tmp_path, "console-voice")


def test_nothing_is_sent_before_the_person_has_agreed(
    visitor: Visitor, faults: Faults, page: Page
) -> None:
    visitor.go_to("Detect")
    before = len(faults.uploads())
    visitor.choose("Picture", "hopper_1984")
    visitor.says("nothing is sent before")
    assert page.get_by_role("button", name="Live camera").is_disabled()
    assert len(faults.uploads()) == before
    visitor.agree()
    visitor.says("Face 1 of")
    assert len(faults.uploads()) == before + 1


def test_a_picture_is_gone_with_the_screen(visitor: Visitor, page: Page, faults: Faults) -> None:
    faults.expect("ERR_FILE_NOT_FOUND")
    visitor.go_to("Detect")
    visitor.choose("Picture", "hopper_1984")
    address = page.get_by_role("img", name="Picture").get_attribute("src")
    visitor.go_to("Compare")
    shown = """(address) => new Promise((resolve) => {
        const image = new Image();
        image.onload = () => resolve(true);
        image.onerror = () => resolve(false);
        image.src = address;
    })"""
    assert not page.evaluate(shown, address)


def test_the_camera_stops_with_the_screen(visitor: Visitor, camera: Camera, page: Page) -> None:
    page.evaluate("""() => {
        const get = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        globalThis.streams = [];
        navigator.mediaDevices.getUserMedia = async (wanted) => {
            const stream = await get(wanted);
            globalThis.streams.push(stream);
            return stream;
        };
    }""")
    visitor.go_to("Detect")
    visitor.agree()
    visitor.press("Live camera")
    visitor.says("Face 1 of")
    visitor.go_to("People")
    running = "streams.flatMap((it) => it.getTracks()).filter((it) => it.readyState === 'live')"
    assert page.evaluate("streams.length") == 1
    assert page.evaluate(f"{running}.length") == 0


def test_without_a_camera_it_says_what_to_do(visitor: Visitor, camera: Camera, page: Page) -> None:
    camera.unplug()
    visitor.go_to("Detect")
    visitor.press("Camera")
    visitor.says("Choose a file instead")
