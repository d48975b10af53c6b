"""What other tests rely on: the watch over pages, and the devices made of files."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, Route

from tests.web.browser import Session
from tests.web.faults import Faults
from tests.web.looks import barriers, looked_at
from tests.web.scenery import Camera, Microphone

HOUSE = "http://localhost:1/"
POLICY = "default-src 'none'; script-src 'unsafe-inline'; connect-src *"


def show(page: Page, body: str, policy: str = POLICY) -> None:
    """A page of this body, and nothing else at that address."""

    def answer(route: Route) -> None:
        if route.request.url == HOUSE:
            html = f'<!doctype html><html lang="en"><title>A page</title><main>{body}</main></html>'
            headers = {"content-security-policy": policy, "content-type": "text/html"}
            route.fulfill(body=html, headers=headers)
        elif "broken" in route.request.url:
            route.abort()
        else:
            route.fulfill(status=404, headers={"access-control-allow-origin": "*"})

    page.context.route("**/*", answer)
    page.goto(HOUSE)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("<script>console.error('a complaint')</script>", "console: a complaint"),
        ("<script>setTimeout(() => missing())</script>", "uncaught: missing is not"),
        ("<script>Promise.reject(new Error('lost'))</script>", "uncaught: lost"),
        ("<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw=' alt='dot'>", "console: .*img-src"),
        ("<p style='color: red'>red</p>", "console: .*style"),
        ("<script>fetch('/nothing')</script>", "answered 404: GET http://localhost:1/nothing"),
        ("<script>fetch('/broken').catch(() => 0)</script>", "failed: GET .*/broken"),
        ("<script>fetch('https://example.com/')</script>", "asks another host: https://example"),
    ],
    ids=["complains", "throws", "rejects", "shows", "styles", "misses", "breaks", "calls away"],
)
def test_what_a_page_does_wrong_is_told(page: Page, faults: Faults, body: str, told: str) -> None:
    faults.expect("")
    show(page, body)
    page.wait_for_timeout(50)
    watched = Faults(found=faults.found)
    assert watched.unexpected() != []
    watched.expect(told)
    assert len(watched.unexpected()) < len(faults.found)


def test_a_page_that_does_nothing_wrong_has_no_faults(page: Page, faults: Faults) -> None:
    show(page, "<h1>All is well</h1>")
    assert faults.found == []
    assert [request.url for request in faults.requests] == [HOUSE]
    assert barriers(page) == []


def test_barriers_are_found_in_open_shadow_roots(page: Page) -> None:
    show(
        page,
        "<h1>A form</h1><div id='host'></div><script>const root = document.getElementById('host')"
        ".attachShadow({mode: 'open'}); root.append(document.createElement('input'))</script>",
    )
    (barrier,) = barriers(page)
    assert barrier.startswith("label: ")
    assert "#host" in barrier


def test_a_page_wider_than_the_screen_is_told(page: Page, tmp_path: Path) -> None:
    show(page, "<h1>Wide</h1>")
    assert len(looked_at(page, tmp_path, "fits")) == 3
    page.evaluate("() => document.body.append('w'.repeat(1000))")
    with pytest.raises(AssertionError, match="wide needs"):
        looked_at(page, tmp_path, "wide")


BRIGHTNESS = """async () => {
  const stream = await navigator.mediaDevices.getUserMedia({video: true});
  const video = document.createElement("video");
  Object.assign(video, {srcObject: stream, muted: true});
  await video.play();
  const picture = new OffscreenCanvas(1, 1).getContext("2d");
  picture.drawImage(video, 0, 0, 1, 1);
  stream.getTracks().forEach((track) => track.stop());
  return [video.videoWidth, video.videoHeight, ...picture.getImageData(0, 0, 1, 1).data];
}"""


def test_the_camera_shows_what_the_test_says(page: Page, camera: Camera) -> None:
    show(page, "<h1>Camera</h1>")
    for colour in ((200, 40, 40), (40, 40, 200)):
        camera.show(Image.new("RGB", (640, 480), colour))
        width, height, *seen, _ = page.evaluate(BRIGHTNESS)
        assert (width, height) == (640, 480)
        assert all(abs(a - b) < 16 for a, b in zip(seen, colour, strict=True))


def test_a_camera_that_was_unplugged_is_not_found(page: Page, camera: Camera) -> None:
    show(page, "<h1>Camera</h1>")
    camera.unplug()
    with pytest.raises(Exception, match="NotFoundError"):
        page.evaluate(BRIGHTNESS)


LOUDNESS = """async () => {
  const stream = await navigator.mediaDevices.getUserMedia({audio: true});
  const sound = new AudioContext();
  const meter = sound.createAnalyser();
  sound.createMediaStreamSource(stream).connect(meter);
  const samples = new Float32Array(meter.fftSize);
  let peak = 0;
  for (let turn = 0; turn < 40 && peak < 0.05; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    meter.getFloatTimeDomainData(samples);
    peak = Math.max(peak, ...samples.map(Math.abs));
  }
  stream.getTracks().forEach((track) => track.stop());
  return peak;
}"""


def test_the_microphone_hears_speech(page: Page, microphone: Microphone) -> None:
    show(page, "<h1>Microphone</h1>")
    assert page.evaluate(LOUDNESS) > 0.05


def test_other_event_loops_run_beside_the_browser(chromium: Session) -> None:
    async def one() -> int:
        await asyncio.sleep(0)
        return 1

    assert asyncio.run(one()) == 1
    with chromium.active() as browser:
        context = browser.new_context()
        context.close()
    assert asyncio.run(one()) == 1
