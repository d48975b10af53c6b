"""A test that takes ``page`` has a browser; what the page does wrong fails the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.real_house import House, running_house
from tests.synthetic_speech import ALICE
from tests.web.browser import Session, browser_session, camera_and_microphone, needs_browser
from tests.web.faults import Faults
from tests.web.scenery import EMPTY_ROOM, Camera, Microphone, person

# What never comes is told late; what comes is waited for on a busy machine, too.
PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests with a browser on one worker: they share one."""
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("browser"))
            item.add_marker(needs_browser)


@pytest.fixture(scope="session")
def devices(tmp_path_factory: pytest.TempPathFactory) -> tuple[Camera, Microphone]:
    folder = tmp_path_factory.mktemp("devices")
    return Camera(folder / "camera.mjpeg"), Microphone(folder / "microphone.wav")


@pytest.fixture
def camera(devices: tuple[Camera, Microphone]) -> Camera:
    """It shows a person, until the test says what else."""
    camera, _ = devices
    camera.show(person())
    return camera


@pytest.fixture
def microphone(devices: tuple[Camera, Microphone]) -> Microphone:
    """It hears a person, until the test says what else."""
    _, microphone = devices
    microphone.speak(ALICE)
    return microphone


@pytest.fixture(scope="session")
def chromium(devices: tuple[Camera, Microphone]) -> Iterator[Session]:
    camera, microphone = devices
    camera.show(EMPTY_ROOM)
    microphone.speak(ALICE)
    with browser_session(*camera_and_microphone(camera.film, microphone.sound)) as started:
        yield started


@pytest.fixture
def faults() -> Faults:
    """What pages did wrong so far, what they asked for, and what a test expects them to."""
    return Faults()


@pytest.fixture
def context(chromium: Session, faults: Faults) -> Iterator[BrowserContext]:
    """A visitor who was never here before; ``context.new_page()`` is a further tab of theirs."""
    with chromium.active() as browser:
        context = browser.new_context(locale="en-GB")
        context.set_default_timeout(PATIENCE_MS)
        faults.watch(context)
        yield context
        context.cookies()  # an answer to wait for: what happened before it has been told by then
        unexpected = faults.unexpected()
        context.close()
    assert unexpected == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """An empty tab."""
    return context.new_page()


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, network_files: Path) -> Iterator[House]:
    """A server with real networks, which takes seconds to start: what a test leaves in it stays."""
    folder = tmp_path_factory.mktemp("house")
    with running_house(folder, network_files, None) as running:
        yield running


@pytest.fixture
def token(house: House) -> str:
    """Of a session at ``house``."""
    key = {"privateKey": house.client.headers["x-api-key"]}
    return str(house.client.post("/v0/login", json=key).json()["token"])
