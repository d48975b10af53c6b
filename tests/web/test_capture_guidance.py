"""The capture page that asks perse about each picture: real networks, a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.conftest import REPOSITORY
from tests.real_house import House
from tests.web.faults import Faults
from tests.web.looks import looked_at
from tests.web.scenery import EMPTY_ROOM, PORTRAITS, Camera, person
from tests.web.test_capture import AGREE, button, given, press, words

GUIDE = """([tokens]) => {
  const capture = document.querySelector("perse-capture");
  capture.getToken = () => (tokens.length > 1 ? tokens.shift() : tokens[0]);
  capture.setAttribute("detect-url", "/v0/face/detect");
}"""


SEND = """() => {
  const capture = document.querySelector("perse-capture");
  capture.getToken = (address) => `for ${address}`;
  capture.removeAttribute("detect-url");
  capture.setAttribute("upload-to", "/pictures");
}"""


@pytest.fixture
def capture(house: House, page: Page, camera: Camera, token: str) -> Page:
    page.goto(f"{house.client.base_url}/capture/")
    page.evaluate(GUIDE, [[token]])
    return page


def test_a_good_picture_is_taken_by_itself_once_the_person_agreed(
    capture: Page, camera: Camera, token: str, faults: Faults
) -> None:
    camera.show(person("collins_1992"))
    read = given(capture)
    capture.wait_for_timeout(300)
    assert faults.uploads() == []
    press(capture, AGREE, "Use this picture")
    expect(words(capture)).to_contain_text("Thank you")
    detail, taken = read()
    assert (detail["assessed"], detail["source"], taken.size) == (True, "camera", (360, 480))
    sent = faults.uploads()
    assert len(sent) >= 2
    assert {request.url.partition("/v0")[2] for request in sent} == {"/face/detect"}
    assert {request.headers["authorization"] for request in sent} == {f"Bearer {token}"}
    capture.wait_for_timeout(300)
    assert faults.uploads() == sent


@pytest.mark.parametrize(
    ("scene", "told"),
    [
        (person(aside=0.25, face=0.3), "Move your face into the middle of the oval."),
        (person(light=0.06), "It is too dark."),
        (EMPTY_ROOM, "No face can be seen."),
    ],
    ids=["aside", "dark", "nobody"],
)
def test_it_says_what_to_do_and_takes_no_picture(
    capture: Page, camera: Camera, scene: Image.Image, told: str
) -> None:
    camera.show(scene)
    press(capture, AGREE)
    expect(words(capture)).to_contain_text(told)
    expect(button(capture, "Use this picture")).to_have_count(0)


def test_who_comes_closer_is_taken(capture: Page, camera: Camera, tmp_path: Path) -> None:
    """A film in a circle would have to fit the machine's speed, so the camera ends between."""
    camera.show(person(face=0.15))
    press(capture, AGREE)
    expect(words(capture)).to_contain_text("Come closer.")
    looked_at(capture, tmp_path, "capture-guidance")
    camera.show(person())
    capture.locator("video").evaluate(
        "(video) => video.srcObject.getTracks()[0].dispatchEvent(new Event('ended'))"
    )
    expect(words(capture)).to_contain_text("The camera was stopped.")
    press(capture, "Try again", "Use this picture")


def test_a_chosen_picture_is_checked_too(capture: Page, camera: Camera) -> None:
    camera.unplug()
    press(capture, AGREE)
    chooser = capture.get_by_label("Choose a picture instead")
    chooser.set_input_files(PORTRAITS.parent / "no_face" / "coffee.jpg")
    expect(words(capture)).to_contain_text("No face can be seen.")
    chooser.set_input_files(PORTRAITS / "obama_2012.jpg")
    press(capture, "Use this picture")


def test_a_token_that_ended_is_renewed(capture: Page, token: str, faults: Faults) -> None:
    faults.expect("401")
    capture.evaluate(GUIDE, [["ended", token]])
    press(capture, AGREE, "Use this picture")
    refused, *others = [request.headers["authorization"] for request in faults.uploads()]
    assert refused == "Bearer ended"
    assert set(others) == {f"Bearer {token}"}


def test_a_busy_server_is_waited_for(capture: Page, faults: Faults) -> None:
    faults.expect("503")
    answers = iter([503])

    def busy_once(route: Route) -> None:
        status = next(answers, None)
        if status is None:
            route.continue_()
        else:
            route.fulfill(status=status, headers={"Retry-After": "1"})

    capture.route("**/v0/face/detect", busy_once)
    press(capture, AGREE)
    expect(words(capture)).to_have_text("The server is busy. Please wait a moment.")
    button(capture, "Use this picture").wait_for()


def test_a_server_that_refuses_ends_it_in_words(capture: Page, faults: Faults) -> None:
    faults.expect("401")
    capture.evaluate(GUIDE, [["ended"]])
    press(capture, AGREE)
    expect(words(capture)).to_contain_text("The picture could not be checked.")
    button(capture, "Try again").wait_for()


def test_the_picture_is_sent_only_where_the_page_says_and_when_it_is_used(
    capture: Page, faults: Faults
) -> None:
    faults.expect("500")
    statuses = iter([500, 204])
    capture.route("**/pictures", lambda route: route.fulfill(status=next(statuses)))
    capture.evaluate(SEND)
    press(capture, AGREE, "Take the picture")
    button(capture, "Use this picture").wait_for()
    assert faults.uploads() == []
    press(capture, "Use this picture")
    expect(words(capture)).to_contain_text("could not be sent")
    press(capture, "Try again")
    expect(words(capture)).to_contain_text("Thank you")
    sent = faults.uploads()
    assert [request.url.rpartition("/")[2] for request in sent] == ["pictures"] * 2
    assert {request.headers["authorization"] for request in sent} == {"Bearer for /pictures"}


Answer = dict[str, Any]
GOOD: Answer = {
    "bounding_box": [100, 140, 160, 200],
    "verdicts": {"sharpness": {"pass": True}, "liveness": {"pass": False}},
    "recognisability": 0.97,
}


def failing(metric: str) -> Answer:
    return GOOD | {"verdicts": {metric: {"pass": False}}}


def test_each_complaint_of_an_answer_has_its_words(house: House, page: Page) -> None:
    def box(*numbers: int) -> Answer:
        return GOOD | {"bounding_box": numbers}

    cases: list[tuple[list[Answer], bool, str]] = [
        ([GOOD], True, "good"),
        ([], True, "no_face"),
        ([GOOD, box(10, 10, 90, 110)], True, "several_faces"),
        ([GOOD, box(10, 10, 30, 40)], True, "good"),
        ([box(130, 190, 90, 110)], True, "too_far"),
        ([box(40, 60, 280, 350)], True, "too_close"),
        ([box(5, 140, 160, 200)], True, "off_centre"),
        ([box(5, 140, 160, 200)], False, "good"),
        ([box(5, 5, 40, 50)], False, "too_far"),
        ([failing("underexposure")], True, "too_dark"),
        ([failing("overexposure")], True, "too_bright"),
        ([failing("rotation")], True, "turned"),
        ([failing("sharpness")], True, "blurred"),
        ([failing("color")], True, "odd_colour"),
        ([GOOD | {"recognisability": 0.2}], True, "unclear"),
    ]
    page.goto(f"{house.client.base_url}/capture/")
    found = page.evaluate(
        "async (cases) => {"
        " const { findingOf } = await import('/capture/perse-capture.js');"
        " return cases.map(([faces, framed]) => findingOf("
        "  {faces, default_thresholds: {recognisability: 0.5}}, {width: 360, height: 480}, framed))"
        "}",
        [[faces, framed] for faces, framed, _ in cases],
    )
    assert found == [says for _, _, says in cases]


def test_these_are_the_metrics_that_perse_answers(house: House) -> None:
    """What is complained about, and nothing that perse no longer measures."""
    script = (REPOSITORY / "src/perse/web/capture/perse-capture.js").read_text("utf-8")
    picture = (PORTRAITS / "hopper_1984.jpg").read_bytes()
    answer = house.client.post("/v0/face/detect", files={"image_file": picture}).json()
    for metric in answer["faces"][0]["face_metrics"]:
        assert f"\n  {metric}: " in script
